package generate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/monitoring"
	"github.com/edge-arena/edge-arena/monitoring/generate"
)

const generated = "../generated"

func TestWhatWasGeneratedIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := generate.Files()
	require.NoError(t, err)
	have, err := generate.Read(generated)
	require.NoError(t, err)
	for name, text := range want {
		require.Equal(t, string(text), string(have[name]), "monitoring/generated/%s is stale: run `%s`", name, monitoring.Command)
		delete(have, name)
	}
	require.Empty(t, have, "files in monitoring/generated that nothing makes: run `%s`", monitoring.Command)
	again, err := generate.Files()
	require.NoError(t, err)
	require.Equal(t, want, again, "it is the same each time")
}

func TestWriteMendsAndRemoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want, err := generate.Files()
	require.NoError(t, err)
	require.NoError(t, generate.Write(dir))
	have, err := generate.Read(dir)
	require.NoError(t, err)
	require.Equal(t, want, have)

	require.NoError(t, generate.Write(dir), "a second time changes nothing")
	stale := filepath.Join(dir, "rules", "city", "old.yaml")
	write(t, stale, "groups: []")
	write(t, filepath.Join(dir, "rules", "city", "slo.yaml"), "edited by hand")
	require.NoError(t, generate.Write(dir))
	have, err = generate.Read(dir)
	require.NoError(t, err)
	require.Equal(t, want, have)
}

// What is embedded is what is on the disk, by the names that Prometheus and Grafana know.
func TestTheProgramEmbedsIt(t *testing.T) {
	t.Parallel()
	files, err := generate.Files()
	require.NoError(t, err)
	embedded := map[string]map[string]string{
		monitoring.CityFolder: monitoring.CityRules(), monitoring.HubFolder: monitoring.HubRules(), monitoring.DashboardFolder: monitoring.Dashboards(),
	}
	count := 0
	for folder, texts := range embedded {
		require.NotEmpty(t, texts, folder)
		count += len(texts)
		for name, text := range texts {
			require.Equal(t, string(files[folder+"/"+name]), text, name)
		}
	}
	require.Len(t, files, count)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}
