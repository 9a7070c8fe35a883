package workspace

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/edge-arena/edge-arena/lobby/token"
)

// The identity of the local city's players: a stand-in for whoever signs players' tokens in production. Its issuer is the one that the stack
// file names.
const (
	// localIssuer is the `iss` of the local players' tokens.
	localIssuer = "https://id.local.edge-arena.example.com"
	// audience is the `aud` of every player's token.
	audience    = "edge-arena"
	localKeyID  = "local-1"
	playerKeys  = "player-keys.json" // public: what the lobby is given
	playerKey   = "player-key.json"  // private
	lobbyFolder = "lobby"
)

// makePlayerKeys makes the key that signs the local players' tokens, where there is none yet, and the public set beside it.
func (w *Workspace) makePlayerKeys() error {
	private := w.Path(lobbyFolder, playerKey)
	if _, err := os.Stat(private); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the local players' key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(private), 0o700); err != nil {
		return fmt.Errorf("make the local players' key: %w", err)
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: localKeyID, Algorithm: string(jose.EdDSA), Use: "sig"}}}
	// The private one last: where it is, the other is too.
	for _, file := range []struct {
		path    string
		content any
	}{{w.Path(lobbyFolder, playerKeys), set}, {private, jose.JSONWebKey{Key: key, KeyID: localKeyID, Algorithm: string(jose.EdDSA), Use: "sig"}}} {
		content, err := json.MarshalIndent(file.content, "", "  ")
		if err == nil {
			err = os.WriteFile(file.path, append(content, '\n'), 0o600)
		}
		if err != nil {
			return fmt.Errorf("make the local players' key: %w", err)
		}
	}
	return nil
}

// PlayerToken signs a token of a player of the local city, good for so long.
func (w *Workspace) PlayerToken(p token.Player, lifetime time.Duration) (string, error) {
	signer, err := w.playerSigner()
	if err != nil {
		return "", err
	}
	now := time.Now()
	// A minute back, for the clocks of nodes may be behind.
	return signer.Sign(p, audience, now.Add(-time.Minute), now.Add(lifetime))
}

func (w *Workspace) playerSigner() (*token.Signer, error) {
	content, err := os.ReadFile(w.Path(lobbyFolder, playerKey))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the local players' key is not there yet: run arena up, or arena prepare")
	}
	if err != nil {
		return nil, fmt.Errorf("read the local players' key: %w", err)
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(content, &key); err != nil {
		return nil, fmt.Errorf("read the local players' key %s: %w", w.Path(lobbyFolder, playerKey), err)
	}
	private, ok := key.Key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read the local players' key %s: not a private Ed25519 key: remove the folder, and run arena up", w.Path(lobbyFolder, playerKey))
	}
	return token.NewSigner(private, key.KeyID, localIssuer)
}
