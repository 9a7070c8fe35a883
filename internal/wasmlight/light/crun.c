/* Starts crun so that the dynamic linker looks into FOLDER first: see build.sh. It is linked statically, for it is in each container's way. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	if (setenv("LD_LIBRARY_PATH", FOLDER, 1) == 0)
		execv(CRUN, argv);
	perror("edge-arena: start " CRUN);
	return 127;
}
