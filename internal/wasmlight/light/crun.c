/*
 * Starts crun so that the dynamic linker looks into FOLDER first: see build.sh. It is linked statically, for it is in each container's way.
 *
 * crun makes sure that no container can write to the program that started it: it makes a read-only mount of itself that nobody else sees, starts anew from there and tells
 * itself by a variable that it has. Here that is done before it starts, which spares it one start and one dynamic link of two. Where the kernel cannot (before 5.12) crun does as
 * it always did.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLONED "_LIBCONTAINER_CLONED_BINARY"

extern char **environ;

/* A descriptor of CRUN on a read-only mount of its own, or a negative number. */
static int sealed_crun(void)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	int fd = syscall(SYS_open_tree, AT_FDCWD, CRUN, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd >= 0 && syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	int fd;

	(void)argc;
	if (setenv("LD_LIBRARY_PATH", FOLDER, 1) != 0)
		goto failed;
	fd = sealed_crun();
	if (fd >= 0 && setenv(CLONED, "1", 1) == 0)
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	unsetenv(CLONED);
	execv(CRUN, argv);
failed:
	perror("edge-arena: start " CRUN);
	return 127;
}
