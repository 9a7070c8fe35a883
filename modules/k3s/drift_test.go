package k3s

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeNode is a script that makes, below a folder, a node that is as it was asked for; `found` then prints what differs.
const fakeNode = `
STATE=$root/state DATA=$root/data BIN=$root/bin IMAGES=$root/images.tar CONTAINERD=$root/config.toml SYSCTLS=$root/sys
TEMPLATE=$CONTAINERD.tmpl SHIM=$BIN/containerd-shim-wasmedge-v1 WRAPPER=$STATE/crun
UNIT=$root/k3s.service
active=active boot=enabled runs=yes edge=0.14.1 why=
interpreted_because() { printf %s "$why"; }
service_manager() { echo systemd; }
systemctl() { case $1 in is-active) echo $active ;; is-enabled) echo $boot ;; esac; }
service_file() { echo "$UNIT"; }
crun_runs_wasm() { [ $runs = yes ]; }
crun_version() { echo crun 1.8; echo +YAJL; }
wasmedge_version() { echo $edge; }
has() { :; }
command() { echo /usr/bin/crun; }

mkdir -p $STATE $BIN $SYSCTLS/net/ipv4 $SYSCTLS/vm
printf '#!/bin/sh\necho "k3s version v1.30.4+k3s1 (abc)"\n' >$BIN/k3s
chmod +x $BIN/k3s
echo images >$IMAGES
ARENA_AIRGAP_SHA256=$(sum_of $IMAGES)
role=server wasm=yes service=k3s
set -- --disable traefik --tls-san 192.0.2.1
unit() {
	printf 'ExecStartPre=-/sbin/modprobe overlay\nExecStart=%s \\\n    server \\\n' $BIN/k3s
	for word in "$@"; do printf "\t'%s' \\\\\n" "$word"; done
	echo
}
unit "$@" >$UNIT
handler >$TEMPLATE
{ echo 'version = 2'; handler | grep -v '{{'; echo '  SystemdCgroup = true'; } >$CONTAINERD
echo 1 >$SYSCTLS/net/ipv4/ip_forward
echo 1 >$SYSCTLS/vm/overcommit_memory
echo "$ARENA_OWNER" >$STATE/owner
echo $role >$STATE/role
wanted=$(fingerprint "$role" "$wasm" "$@")
finish
found() { read_node; differences "$@"; }
`

const fakeSettings = `ARENA_OWNER=north/oslo ARENA_NODE=n1 ARENA_K3S_VERSION=v1.30.4+k3s1 ARENA_K3S_SHA256= ARENA_INSTALLER_SHA256=
ARENA_AIRGAP_URL=http://192.0.2.3/images ARENA_ENGINE=crun ARENA_WASMEDGE_VERSION=0.14.1 ARENA_SHIM_SHA256= ARENA_TOKEN=
`

// onFakeNode changes a fake node by a script, then runs another on it.
func onFakeNode(t *testing.T, change, run string) (root, out string) {
	t.Helper()
	root = t.TempDir()
	out, err := shell(t, fakeSettings+"root="+quote(root)+"\n", fakeNode+change+"\n"+run)
	require.NoError(t, err, out)
	return root, strings.TrimSuffix(strings.ReplaceAll(out, root, "ROOT"), "\n")
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	const pinned = "f00f000000000000000000000000000000000000000000000000000000000000"
	tests := map[string]struct {
		change string
		// want are the lines, tabs written as " | ". A checksum, of which nothing can be known here, is "#".
		want []string
	}{
		"all as it was asked for": {``, nil},
		"never installed":         {`rm -r $STATE`, []string{"K3s | v1.30.4+k3s1 | not installed"}},
		"another K3s is not run": {`rm -r $STATE; printf '#!/bin/sh\ntouch %s\n' $root/trace >$BIN/k3s`,
			[]string{"K3s | v1.30.4+k3s1 | not installed"}},
		"somebody else's":     {`echo south/rome >$STATE/owner; active=failed`, []string{"owner | north/oslo | south/rome"}},
		"another role":        {`echo agent >$STATE/role`, []string{"role | server | agent"}},
		"stopped":             {`active=inactive`, []string{"service | active | inactive"}},
		"not started at boot": {`boot=disabled`, []string{"service at boot | enabled | disabled"}},
		"another version": {`printf '#!/bin/sh\necho "k3s version v1.29.0+k3s1 (abc)"\n' >$BIN/k3s`,
			[]string{"K3s | v1.30.4+k3s1 | v1.29.0+k3s1", "K3s binary | # | #"}},
		"not the pinned binary": {`ARENA_K3S_SHA256=` + pinned + `; wanted=$(fingerprint $role $wasm "$@"); finish`,
			[]string{"K3s binary | " + pinned + " | #"}},
		"no binary":     {`rm $BIN/k3s`, []string{"K3s | v1.30.4+k3s1 | nothing", "K3s binary | # | nothing"}},
		"a flag more":   {`unit --disable traefik --debug --tls-san 192.0.2.1 >$UNIT`, []string{"flags | nothing | --debug"}},
		"a flag fewer":  {`unit --disable traefik >$UNIT`, []string{"flags | --tls-san 192.0.2.1 | nothing"}},
		"another value": {`unit --disable servicelb --tls-san 192.0.2.1 >$UNIT`, []string{"flags | --disable traefik | --disable servicelb"}},
		"another order": {`unit --tls-san 192.0.2.1 --disable traefik >$UNIT`,
			[]string{"flags | --disable traefik --tls-san 192.0.2.1 | --tls-san 192.0.2.1 --disable traefik"}},
		"a secret flag": {`unit "$@" --token=K10secret --datastore-endpoint 'mysql://me:secret@db/' --token-file /x >$UNIT`,
			[]string{"flags | nothing | --token (hidden) --datastore-endpoint (hidden) --token-file /x"}},
		"another secret": {`set -- "$@" --token old; unit "$@" >$UNIT; wanted=$(fingerprint $role $wasm "$@"); finish
unit --disable traefik --tls-san 192.0.2.1 --token new >$UNIT`, []string{"flags | --token (hidden) | --token (hidden)"}},
		"quotes": {`set -- --kubelet-arg "a=it's"; unit --kubelet-arg "a=it'\''s" >$UNIT; wanted=$(fingerprint $role $wasm "$@"); finish`, nil},
		"OpenRC": {`printf 'command="%s"\ncommand_args="server \\\n\t'"'--disable'"' \\\n\t'"'traefik'"' \\\n    >>/var/log/k3s.log 2>&1"\n' $BIN/k3s >$UNIT`,
			[]string{"flags | --tls-san 192.0.2.1 | nothing"}},
		"a unit that is no text of ours": {`printf "ExecStart=$BIN/k3s 'server\n" >$UNIT`,
			[]string{"flags | server --disable traefik --tls-san 192.0.2.1 | nothing"}},
		"the unit otherwise": {`echo Restart=no >>$UNIT`, []string{"unit | # | #"}},
		"no unit":            {`rm $UNIT`, []string{"unit | ROOT/k3s.service | nothing"}},
		"joined": {`set -- "$@" --server https://192.0.2.1:6443; echo secret >$STATE/token
unit "$@" --token-file $STATE/token >$UNIT; wanted=$(fingerprint $role $wasm "$@"); finish`, nil},
		"joined, without the token": {`set -- "$@" --server https://192.0.2.1:6443
unit "$@" >$UNIT; wanted=$(fingerprint $role $wasm "$@"); finish`,
			[]string{"token file | ROOT/state/token | nothing", "flags | --token-file ROOT/state/token | nothing"}},
		"other settings":          {`ARENA_INSTALLER_SHA256=x`, []string{"settings | # | #"}},
		"an installation cut off": {`rm $STATE/fingerprint $STATE/files.sha256`, []string{"settings | # | nothing"}},
		"a processor that can do less": {`why=old`, []string{"crun wrapper | # | nothing",
			`containerd template |   BinaryName = "ROOT/state/crun" |   BinaryName = "/usr/bin/crun"`, `containerd config |   BinaryName = "ROOT/state/crun" | nothing`}},
		"a crun without Wasm": {`runs=no`, []string{"crun | +WASM:wasmedge | +YAJL"}},
		"another WasmEdge":    {`edge=0.13.5`, []string{"WasmEdge | 0.14.1 | 0.13.5"}},
		"no WasmEdge":         {`edge=`, []string{"WasmEdge | 0.14.1 | nothing"}},
		"another template":    {`sed -i s/crun/runc/ $TEMPLATE`, []string{`containerd template |   BinaryName = "/usr/bin/crun" |   BinaryName = "/usr/bin/runc"`}},
		"a longer template":   {`echo '[more]' >>$TEMPLATE`, []string{"containerd template | nothing | [more]"}},
		"no template":         {`rm $TEMPLATE`, []string{`containerd template | {{ template "base" . }} | nothing`}},
		"no handler in the config": {`echo 'version = 2' >$CONTAINERD`,
			[]string{`containerd config | [plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"] | nothing`}},
		"no config": {`rm $CONTAINERD`,
			[]string{`containerd config | [plugins."io.containerd.grpc.v1.cri".containerd.runtimes."wasmedge"] | nothing`}},
		"without Wasm nothing of it counts": {`wasm=no; rm $TEMPLATE $CONTAINERD; runs=no; wanted=$(fingerprint $role $wasm "$@"); finish`, nil},
		"a shim": {`ARENA_ENGINE=shim; echo shim >$SHIM; handler | tee $TEMPLATE >$CONTAINERD; edge= runs=no
wanted=$(fingerprint $role $wasm "$@"); finish`, nil},
		"another shim": {`ARENA_ENGINE=shim; echo shim >$SHIM; handler | tee $TEMPLATE >$CONTAINERD
wanted=$(fingerprint $role $wasm "$@"); finish; echo other >$SHIM`, []string{"shim | # | #"}},
		"other images":       {`echo other >$IMAGES`, []string{"air-gap images | # | #"}},
		"no images":          {`rm $IMAGES`, []string{"air-gap images | # | nothing"}},
		"a kernel's setting": {`echo 0 >$SYSCTLS/net/ipv4/ip_forward`, []string{"sysctl net.ipv4.ip_forward | 1 | 0"}},
		"several things": {`active=failed boot=disabled; echo 2 >$SYSCTLS/vm/overcommit_memory`,
			[]string{"service | active | failed", "service at boot | enabled | disabled", "sysctl vm.overcommit_memory | 1 | 2"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, out := onFakeNode(t, tt.change, `found "$@"`)
			var lines []string
			if out != "" {
				lines = strings.Split(out, "\n")
			}
			for i, line := range lines {
				fields := strings.Split(line, "\t")
				require.Len(t, fields, 3, line)
				for j, f := range fields {
					if len(f) == 64 && f != pinned {
						fields[j] = "#"
					}
				}
				lines[i] = strings.Join(fields, " | ")
			}
			require.Equal(t, tt.want, lines)
			require.NoFileExists(t, filepath.Join(root, "trace"))
		})
	}
}

func TestInspectPrintsJSON(t *testing.T) {
	t.Parallel()
	root, out := onFakeNode(t, `printf 'a "quoted" \\ back\tslash\001\n' >$TEMPLATE; before=$(cd $root && ls -lR; find . -type f -exec sha256sum {} +)`,
		`inspect "$@"
[ "$before" = "$(cd $root && ls -lR; find . -type f -exec sha256sum {} +)" ] || echo it left a trace`)
	require.NotContains(t, out, "trace")
	require.NotContains(t, out, root)
	s, err := ParseState([]byte(out), "n1")
	require.NoError(t, err)
	require.Equal(t, "v1.30.4+k3s1", s.K3s)
	require.Len(t, s.K3sSHA256, 64)
	require.Equal(t, "0.14.1", s.WasmEdge)
	require.Equal(t, []Difference{{"containerd template", `{{ template "base" . }}`, `a "quoted" \ back slash`}}, s.Differences)

	_, out = onFakeNode(t, `rm -r $STATE`, `inspect "$@"`)
	require.JSONEq(t, `{"node":"n1","k3s":"","k3sSHA256":"","wasmedge":"","differences":[{"item":"K3s","wanted":"v1.30.4+k3s1","found":"not installed"}]}`, out)
	_, out = onFakeNode(t, ``, `inspect "$@"`)
	s, err = ParseState([]byte(out), "n1")
	require.NoError(t, err)
	require.Empty(t, s.Differences)
}

// What drift tells of is what the installer acts on.
func TestInstallMendsWhatDiffers(t *testing.T) {
	t.Parallel()
	const install = `
check_host() { :; }
check_space() { :; }
apply() { echo applied; }
service_restart() { echo restarted $1; }
await_ready() { :; }
report() { :; }
install_node "$@"`
	tests := map[string]struct{ change, want string }{
		"nothing": {``, "edge-arena: n1: unchanged"},
		"a kernel's setting": {`echo 0 >$SYSCTLS/net/ipv4/ip_forward`,
			"edge-arena: n1: sysctl net.ipv4.ip_forward: 0 instead of 1\napplied\nedge-arena: n1: K3s v1.30.4+k3s1 starts\nrestarted k3s"},
		"another token": {`ARENA_TOKEN=new; echo old >$STATE/token`, "applied\nedge-arena: n1: K3s v1.30.4+k3s1 starts\nrestarted k3s"},
		"the first time": {`rm -r $STATE/*; echo "$ARENA_OWNER" >$STATE/owner`,
			"applied\nedge-arena: n1: K3s v1.30.4+k3s1 starts\nrestarted k3s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, out := onFakeNode(t, tt.change, install)
			require.Equal(t, tt.want, out)
		})
	}
}
