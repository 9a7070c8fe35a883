package goimage_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/command"
	"github.com/edge-arena/edge-arena/internal/goimage"
	gateway "github.com/edge-arena/edge-arena/internal/hubgateway/image"
	allocator "github.com/edge-arena/edge-arena/internal/portalloc/image"
	"github.com/edge-arena/edge-arena/internal/progress"
	lobby "github.com/edge-arena/edge-arena/lobby/image"
)

const root = "../.."

// services are all of ours, with the most that an image may weigh.
var services = map[string]struct {
	goimage.Service
	size int64
}{
	"port-allocator": {allocator.Service(), 20 << 20},
	"lobby":          {lobby.Service(), 20 << 20},
	"hub-gateway":    {gateway.Service(), 20 << 20},
}

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles programs")
	}
	t.Parallel()
	for name, s := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			p, c := progress.New(&out), cache.At(t.TempDir())
			first, err := s.Build(context.Background(), p, c, root)
			require.NoError(t, err)
			require.Regexp(t, `^registry\.example\.com/`+name+`@sha256:[0-9a-f]{64}$`, first.Reference)
			require.Equal(t, s.Name+"@"+first.Digest, first.Reference)
			info, err := os.Stat(first.Archive)
			require.NoError(t, err)
			t.Logf("%.1f MB", float64(info.Size())/1e6)
			require.Less(t, info.Size(), s.size)

			second, err := s.Build(context.Background(), p, c, root)
			require.NoError(t, err)
			require.Equal(t, first, second)
			require.Equal(t, 1, strings.Count(out.String(), "• build the "+s.Title), "the second build is found in the cache")
		})
	}
}

// An image is found in the cache by its sources: one that is missing from them could change without a new image.
func TestSourcesAreAll(t *testing.T) {
	t.Parallel()
	const module = "github.com/edge-arena/edge-arena/"
	for name, s := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := command.Cmd{Dir: root, Env: append(os.Environ(), "CGO_ENABLED=0")}.Run(context.Background(), "go", "list", "-deps", "./cmd/"+s.Program)
			require.NoError(t, err)
			for _, pkg := range strings.Fields(out) {
				dir, ours := strings.CutPrefix(pkg, module)
				if !ours || dir == "cmd/"+s.Program {
					continue
				}
				covered := false
				for _, source := range s.Sources {
					covered = covered || dir == source || strings.HasPrefix(dir, source+"/")
				}
				require.True(t, covered, "%s is not among the sources", dir)
			}
		})
	}
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, s := range services {
		_, err := s.Build(context.Background(), progress.New(new(strings.Builder)), cache.At(t.TempDir()), t.TempDir())
		require.ErrorContains(t, err, name+" image: hash ")
	}
}
