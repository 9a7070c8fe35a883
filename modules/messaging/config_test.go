package messaging

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestServerConfig(t *testing.T) {
	t.Parallel()
	first := settings{city: "shanghai", storage: "1Gi", battle: users{"battle", "$2a$04$b", "", ""}, lobby: users{"lobby", "$2a$04$l", "", ""}}
	rolled := first
	rolled.leaf = "tls://hub.example.com:7422"
	rolled.battle, rolled.lobby = users{"battle-2", "$2a$04$B", "battle", "$2a$04$b"}, users{"lobby-2", "$2a$04$L", "lobby", "$2a$04$l"}
	for name, s := range map[string]settings{"first": first, "rolled-with-hub": rolled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := serverConfig(s)
			require.NoError(t, err)
			file := filepath.Join("testdata", name+".conf")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "run with -update if this is meant")
		})
	}
	_, err := serverConfig(settings{storage: "much"})
	require.ErrorContains(t, err, "storage: quantities must match")
}
