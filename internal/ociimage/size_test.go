package ociimage_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/edge-arena/edge-arena/internal/ociimage"
)

func TestSizeIsThatOfAllBlobs(t *testing.T) {
	t.Parallel()
	img, err := ociimage.New(spec())
	require.NoError(t, err)
	manifest, err := img.RawManifest()
	require.NoError(t, err)
	config, err := img.RawConfigFile()
	require.NoError(t, err)
	layers, err := img.Layers()
	require.NoError(t, err)
	layer, err := layers[0].Size()
	require.NoError(t, err)
	got, err := ociimage.Size(img)
	require.NoError(t, err)
	require.Equal(t, int64(len(manifest)+len(config))+layer, got)
}

func TestRepository(t *testing.T) {
	t.Parallel()
	got, err := ociimage.Repository("registry.example.com/thing:1.0")
	require.NoError(t, err)
	require.Equal(t, "registry.example.com/thing", got)
	_, err = ociimage.Repository("Bad Name")
	require.ErrorContains(t, err, "image reference: ")
}
