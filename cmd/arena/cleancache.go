package main

import (
	"github.com/spf13/cobra"
)

func newCleanCache() *cobra.Command {
	return &cobra.Command{
		Use:   "clean-cache",
		Short: "Remove what is slow to make from the user's cache directory",
		Long: "Remove $XDG_CACHE_HOME/edge-arena: built tools, the node image, the K3s release, images. The next run makes them again.\n" +
			"Go's own build and module caches stay (go clean -cache -modcache).",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, err := open(cmd)
			if err != nil {
				return err
			}
			if err := w.Cache.Clean(); err != nil {
				return err
			}
			p.Note("removed %s", w.Cache.Root())
			return nil
		},
	}
}
