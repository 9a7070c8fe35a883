package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (u Upstream) validate(at scope, path string) {
	keys := []string{path + ".archive", path + ".image"}
	switch {
	case u.Archive == "" && u.Image == "":
		at.addFor(path+".image", keys, "required: give archive (a file of this machine) or image (a reference by tag or digest)")
	case u.Archive != "" && u.Image != "":
		at.addFor(path+".image", keys, "give archive or image, not both")
	case u.Image != "" && (!imageName.MatchString(u.Image) || strings.HasSuffix(u.Image, ":latest")):
		at.add(path+".image", "%q names no release: write registry/name:1.2.3 or registry/name@sha256:…", u.Image)
	}
}

func (m Messaging) validate(at scope) {
	m.Upstream.validate(at, "messaging")
	if q := quantity(at, "messaging.storage", m.Storage, "1Gi"); q != nil && q.Value() < leastStorage {
		at.add("messaging.storage", "%s is less than 300Mi: the results of a week may take 256Mi", m.Storage)
	}
	keys := []string{"messaging.leaf.url", "messaging.leaf.credentialsFile"}
	if m.Leaf.URL == "" {
		if m.Leaf.CredentialsFile != "" {
			at.addFor("messaging.leaf.url", keys, "required with credentialsFile: the hub's address")
		}
		return
	}
	u, err := url.Parse(m.Leaf.URL)
	if err != nil || u.Host == "" || u.User != nil || !slices.Contains([]string{"tls", "wss"}, u.Scheme) || strings.ContainsAny(m.Leaf.URL, "'\" \n\\") {
		at.addFor("messaging.leaf.url", keys, "%q is not an address of the form tls://host:port or wss://host", m.Leaf.URL)
	}
	if m.Leaf.CredentialsFile == "" {
		at.addFor("messaging.leaf.credentialsFile", keys, "required with url: what the city shows the hub")
	}
}

// leastStorage has room for the stream of results, see package lobby.
const leastStorage = 300 << 20

func (l Lobby) validate(at scope) {
	l.Source.validate(at, "lobby")
	between(at, "lobby.nodePort", l.NodePort, 30000, 32767)
	if l.PlayerKeysFile == "" {
		at.add("lobby.playerKeysFile", "required: without the keys that players' tokens are signed with nobody could play")
	}
	if l.Issuer == "" {
		at.add("lobby.issuer", "required: the iss of the players' tokens, such as https://id.example.com")
	} else if strings.TrimSpace(l.Issuer) != l.Issuer || strings.ContainsAny(l.Issuer, "\n\r\t") {
		at.add("lobby.issuer", "%q begins or ends with a space, or has one that is none", l.Issuer)
	}
	within(at, "lobby.ticketLifetime", l.TicketLifetime, time.Second, 30*time.Second)
	rate(at, "lobby.joinRate", l.JoinRate)
	rate(at, "lobby.addressRate", l.AddressRate)
	if l.Backups.Every < time.Minute {
		at.add("lobby.backups.every", "%v is less than %v", l.Backups.Every, time.Minute)
	}
	atLeastOne(at, "lobby.backups.keep", l.Backups.Keep)
}

var requestRate = regexp.MustCompile(`^[1-9][0-9]{0,6}/([1-9][0-9]{0,4})?(ms|s|m|h)$`)

// rate checks a rate in the notation of the lobby's flags.
func rate(at place, path, value string) {
	if !requestRate.MatchString(value) {
		at.add(path, "%q is not a rate: write requests/time, such as 10/10s", value)
	}
}
