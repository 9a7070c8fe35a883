package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-arena/edge-arena/lobby/token"
)

func newToken() *cobra.Command {
	var player, role string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a token of a player of the local city, as the lobby asks for it",
		Long: "Print a signed token with which a player of the local city can ask its lobby for a place. The key is a stand-in for whoever signs\n" +
			"players' tokens in production, who is named by lobby.playerKeysFile and lobby.issuer in the stack file.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, _, err := open(cmd)
			if err != nil {
				return err
			}
			if player == "" || lifetime <= 0 {
				return errors.New("--player and --for: a name, and a time of more than zero")
			}
			text, err := w.PlayerToken(token.Player{Subject: player, Role: role}, lifetime)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVar(&player, "player", "alice", "the player's name")
	cmd.Flags().StringVar(&role, "role", "player", "the player's role")
	cmd.Flags().DurationVar(&lifetime, "for", time.Hour, "how long the token is good")
	return cmd
}
