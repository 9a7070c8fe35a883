package city

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	joinpolicy "github.com/edge-arena/edge-arena/lobby/joinpolicy/policy"
	"github.com/edge-arena/edge-arena/modules/config"
	"github.com/edge-arena/edge-arena/modules/k3s"
)

// subject is the hash of what can change how the city plays: its images, settings and nodes. Neither keys nor prices are part of it, nor
// the order of the file.
func subject(c config.City) (string, error) {
	type host struct {
		Name, Address, External string
		Role                    config.Role
		K3s                     config.NodeK3s
		Wasm                    config.Wasm
	}
	gated := struct {
		Version, Installer string
		Disable            []string
		Hosts              []host
		Battle             config.Battle
		Lobby              config.Lobby
		Generation         int
		JoinPolicy         string
		Images             []string
	}{
		Version: c.K3s.Version, Installer: k3s.InstallerHash(), Disable: c.K3s.Disable, Battle: c.Battle, Lobby: c.Lobby,
		Generation: c.Credentials.Generation, JoinPolicy: joinpolicy.Join,
	}
	// Whose tokens are taken, and how the ledger is kept, changes no battle.
	gated.Lobby.PlayerKeysFile, gated.Lobby.PlayerKeys, gated.Lobby.Issuer, gated.Lobby.Backups = "", "", "", config.Backups{}
	nats := config.Source(c.Messaging.Upstream)
	for _, n := range append(c.Servers(), c.Agents()...) {
		h := host{n.Name, n.Endpoint.Address, n.ExternalAddress, n.Role, n.K3s, n.Wasm}
		// Where the release comes from, and how long it may take, is not what it is.
		h.K3s.Mirror = config.Mirror{Checksums: n.K3s.Mirror.Checksums}
		h.K3s.ReadyTimeout = 0
		gated.Hosts = append(gated.Hosts, h)
	}
	for _, source := range []*config.Source{&gated.Battle.Source, &gated.Battle.PortAllocator, &gated.Lobby.Source, &nats} {
		reference := source.Image
		if source.Archive != "" {
			archive, err := k3s.OpenArchive(source.Archive)
			if err != nil {
				return "", err
			}
			reference = archive.Reference
		}
		gated.Images = append(gated.Images, reference)
		*source = config.Source{}
	}
	content, err := json.Marshal(gated)
	if err != nil {
		return "", fmt.Errorf("hash what is gated: %w", err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8]), nil
}
