package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/edge-arena/edge-arena/internal/chaos"
	"github.com/edge-arena/edge-arena/internal/players"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/workspace"
	"github.com/edge-arena/edge-arena/lobby/token"
	"github.com/edge-arena/edge-arena/tests/rig"
)

func newChaos() *cobra.Command {
	var kills, playing int
	var pause time.Duration
	var seed uint64
	var jsonFile string
	cmd := &cobra.Command{
		Use:   "chaos",
		Short: "Kill parts of the local city at random while players play, and count whether any result was lost or doubled",
		Long: "Have players play short battles in the local city, by its lobby, and kill battle pods, lobby, NATS and the node meanwhile, by\n" +
			"SIGKILL. In the end every battle whose players were told that its result is recorded must be in the ledger, once. Battles last five\n" +
			"seconds meanwhile; the next pulumi up, and the end of the run, put their length back.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, p, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			s := stackOf(w, tools, localStack)
			c, err := openChaos(cmd.Context(), w, s)
			if err != nil {
				return err
			}
			c.cfg.Kills, c.cfg.Players, c.cfg.Pause, c.cfg.Seed, c.cfg.Log = kills, playing, pause, seed, cmd.ErrOrStderr()
			var report chaos.Report
			err = p.Step(cmd.Context(), fmt.Sprintf("kill %d times while %d players play", kills, playing), func(ctx context.Context) (err error) {
				report, err = c.run(ctx)
				return err
			})
			content, jsonErr := json.MarshalIndent(report, "", "  ")
			if jsonErr == nil && jsonFile != "" {
				jsonErr = os.WriteFile(jsonFile, content, 0o600)
			}
			_, _ = fmt.Fprintln(cmd.OutOrStdout(), string(content))
			return errors.Join(err, jsonErr, report.Err())
		},
	}
	cmd.Flags().IntVar(&kills, "kills", 100, "how often is killed")
	cmd.Flags().IntVar(&playing, "players", 20, "how many play at a time")
	cmd.Flags().DurationVar(&pause, "pause", time.Second, "mean time between two kills")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "decides what is killed when")
	cmd.Flags().StringVar(&jsonFile, "json", "", "also write the counts to this file")
	return cmd
}

// chaosCity is the local city as chaos needs it.
type chaosCity struct {
	cfg    chaos.Config
	client kubernetes.Interface
}

func openChaos(ctx context.Context, w *workspace.Workspace, s stack.Stack) (*chaosCity, error) {
	if !rig.Exists(w.Path("rig")) {
		return nil, errors.New("the local city has no nodes: bring it up first (arena up)")
	}
	r, err := rig.Open(w.Path("rig"))
	if err != nil {
		return nil, err
	}
	cities, kubeconfigs, err := s.CitiesAndKubeconfigs(ctx)
	if err != nil {
		return nil, err
	}
	rest, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfigs[localStack]))
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return nil, fmt.Errorf("reach the city: %w", err)
	}
	node := chaos.OnRig(r, localNode)
	return &chaosCity{client: client, cfg: chaos.Config{
		Lobby: players.Lobby{URL: cities[localStack].Lobby.Address},
		Token: func(player string) (string, error) {
			return w.PlayerToken(token.Player{Subject: player, Role: "player"}, time.Hour)
		},
		Ways:   chaos.Ways(node, client),
		Settle: 2 * time.Minute,
		Ledger: func(ctx context.Context) (map[string]int, error) { return chaos.ReadLedger(ctx, node) },
	}}, nil
}

func (c *chaosCity) run(ctx context.Context) (report chaos.Report, err error) {
	restore, err := chaos.ShortBattles(ctx, c.client, 5*time.Second)
	if restore != nil {
		defer func() { err = errors.Join(err, restore(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return report, err
	}
	return chaos.Run(ctx, c.cfg)
}
