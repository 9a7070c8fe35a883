package image_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/cache"
	"github.com/edge-arena/edge-arena/internal/portalloc/image"
	"github.com/edge-arena/edge-arena/internal/progress"
)

func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	t.Parallel()
	var out strings.Builder
	p, c := progress.New(&out), cache.At(t.TempDir())
	first, err := image.Build(context.Background(), p, c, "../../..")
	require.NoError(t, err)
	require.Regexp(t, `^registry\.example\.com/port-allocator@sha256:[0-9a-f]{64}$`, first.Reference)
	require.Equal(t, image.Name+"@"+first.Digest, first.Reference)
	info, err := os.Stat(first.Archive)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(20<<20))

	second, err := image.Build(context.Background(), p, c, "../../..")
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Equal(t, 1, strings.Count(out.String(), "• build the port allocator"), "the second build is found in the cache")
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := image.Build(context.Background(), progress.New(new(strings.Builder)), cache.At(t.TempDir()), t.TempDir())
	require.ErrorContains(t, err, "port-allocator image: hash ")
}
