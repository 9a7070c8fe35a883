package toolchain

import (
	"encoding/base64"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func TestEnv(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/tools:/bin")
	for _, unset := range []string{"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_PARALLEL"} {
		t.Setenv(unset, "")
	}
	tc := &Toolchain{Parts: []Part{{Path: "/tools/pulumi"}}, root: "/check/out"}
	env := tc.Env()
	require.Equal(t, []string{
		"PATH=/tools:/usr/bin:/bin",
		"PULUMI_BACKEND_URL=file:///check/out/.arena/pulumi/state",
		"PULUMI_CONFIG_PASSPHRASE=edge-arena-local",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"PULUMI_HOME=/check/out/.arena/pulumi/home",
		"PULUMI_IGNORE_AMBIENT_PLUGINS=true",
		"PULUMI_PARALLEL=16",
		"PULUMI_SKIP_UPDATE_CHECK=true",
	}, env)
	require.True(t, slices.IsSorted(env))
}

func TestEnvLeavesToTheUserWhatIsHis(t *testing.T) {
	tests := map[string]struct{ set, left string }{
		"passphrase":        {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE="},
		"passphrase's file": {"PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONFIG_PASSPHRASE="},
		"parallelism":       {"PULUMI_PARALLEL", "PULUMI_PARALLEL="},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, unset := range []string{"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_PARALLEL"} {
				t.Setenv(unset, "")
			}
			t.Setenv(tt.set, "mine")
			tc := &Toolchain{Parts: []Part{{Path: "/tools/pulumi"}}, root: "/check/out"}
			require.NotContains(t, strings.Join(tc.Env(), "\n"), tt.left)
		})
	}
}

// TestLocalStackOpens checks that the passphrase is the one that the committed stack's salt was made with.
func TestLocalStackOpens(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../stacks/Pulumi.local.yaml")
	require.NoError(t, err)
	var stack struct {
		EncryptionSalt string `yaml:"encryptionsalt"`
	}
	require.NoError(t, yaml.Unmarshal(content, &stack))
	// version:salt:the word "pulumi", encrypted
	parts := strings.SplitN(stack.EncryptionSalt, ":", 3)
	require.Len(t, parts, 3)
	salt, err := base64.StdEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	word, err := config.NewSymmetricCrypterFromPassphrase(localPassphrase, salt).DecryptValue(t.Context(), parts[2])
	require.NoError(t, err)
	require.Equal(t, "pulumi", word)
}

// TestExports lets a shell read what is printed.
func TestExports(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:/bin:/it's $HOME `here`")
	tc := &Toolchain{Parts: []Part{{Path: "/to ols/pulumi"}}, root: `/check "out"`}
	script := strings.Join(tc.Exports(), "\n") + "\nprintf '%s\\n%s' \"$PATH\" \"$PULUMI_HOME\""
	out, err := exec.Command("/bin/sh", "-c", script).Output()
	require.NoError(t, err)
	require.Equal(t, "/to ols:/usr/bin:/bin:/it's $HOME `here`\n/check \"out\"/.arena/pulumi/home", string(out))
	require.Equal(t, "export PATH='/to ols:/usr/bin:/bin:/it'\\''s $HOME `here`'", tc.Exports()[0])
}
