package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

var (
	dnsLabel    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	k3sVersion  = regexp.MustCompile(`^v1\.\d+\.\d+\+k3s\d+$`)
	wasmVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	k3sFlag     = regexp.MustCompile(`^--[a-z0-9-]+(=[A-Za-z0-9_.,:/@=+-]+)?$`)
	kubeletArg  = regexp.MustCompile(`^[a-z0-9-]+=[A-Za-z0-9_.,:/@=+<%-]+$`)
	imageName   = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._/-]*(:[0-9]+/[a-zA-Z0-9._/-]+)?(:[a-zA-Z0-9_][a-zA-Z0-9_.-]*|@sha256:[0-9a-f]{64})$`)
	imageDigest = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$`)
)

// validate checks what remains when defaults are in place, all of it.
func (r *Region) validate() problems {
	var found problems
	label(&found, "name", r.Name)
	if len(r.Cities) == 0 {
		found.add("cities", "required: a region has at least one city")
		r.Settings.validate(scope{found: &found})
	}
	r.validateCities(&found)
	r.validateHub(&found)
	r.validateWaves(&found)
	return found
}

// validate checks the settings of a city. What is wrong with those of the region is found in each city, at the same place.
func (s *Settings) validate(at scope) {
	s.SSH.validate(at)
	s.Size.validate(at)
	s.K3s.validate(at)
	s.Wasm.validate(at)
	s.Policies.validate(at)
	s.Monitoring.validate(at)
	s.Services.Reserve.validate(at, "services.reserve")
	between(at, "credentials.generation", s.Credentials.Generation, 1, 255)
	s.Messaging.validate(at)
	s.Lobby.validate(at)
	s.Battle.validate(at)
	s.SLO.validate(at, s.Battle)
	s.Prices.validate(at)
	if s.Offline != OfflineFail && s.Offline != OfflineSkip {
		at.add("offline", "%q is neither fail nor skip", s.Offline)
	}
}

func (n *NodeSettings) validate(at scope) {
	n.SSH.validate(at)
	n.Size.validate(at)
	n.K3s.validate(at)
	n.Wasm.validate(at)
	n.Prices.validate(at)
}

func (s SSH) validate(at scope) {
	between(at, "ssh.port", s.Port, 0, 65535)
	positive(at, "ssh.dialTimeout", s.DialTimeout)
	atLeastOne(at, "ssh.dialAttempts", s.DialAttempts)
}

func (k K3s) validate(at scope) {
	if !k3sVersion.MatchString(k.Version) {
		at.add("k3s.version", "%q is not a K3s release such as %s", k.Version, DefaultK3sVersion)
	}
	for i, name := range k.Disable {
		label(at, fmt.Sprintf("k3s.disable[%d]", i), name)
	}
	k.NodeK3s.validate(at)
}

func (k NodeK3s) validate(at scope) {
	if k.Mirror.URL != "" {
		if u, err := url.Parse(k.Mirror.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.ContainsAny(k.Mirror.URL, "'\" \n") {
			at.addFor("k3s.mirror.url", []string{"k3s.mirror.url", "k3s.mirror.urlFile"}, "%q is not an http or https address", k.Mirror.URL)
		}
	}
	if (k.Mirror.URL != "" || k.Mirror.URLFile != "") && k.Mirror.ChecksumsFile == "" {
		at.addFor("k3s.mirror.checksumsFile", []string{"k3s.mirror"}, "required with a mirror: what it serves is believed by its checksum alone")
	}
	positive(at, "k3s.readyTimeout", k.ReadyTimeout)
	k.Reserve.validate(at, "k3s.reserve")
	for i, flag := range k.ServerFlags {
		checkFlag(at, fmt.Sprintf("k3s.serverFlags[%d]", i), flag)
	}
	for i, flag := range k.AgentFlags {
		checkFlag(at, fmt.Sprintf("k3s.agentFlags[%d]", i), flag)
	}
	for i, arg := range k.KubeletArgs {
		if !kubeletArg.MatchString(arg) {
			at.add(fmt.Sprintf("k3s.kubeletArgs[%d]", i), "%q is not of the form name=value", arg)
		}
	}
}

// ownFlags are those that follow from other settings.
var ownFlags = map[string]string{
	"--wasm": "is always given", "--token": "is made by K3s", "--token-file": "is made by K3s", "--agent-token": "is made by K3s",
	"--server": "follows from the city's nodes", "--cluster-init": "follows from the city's nodes", "--node-name": "is the node's name",
	"--disable": "is k3s.disable", "--kubelet-arg": "is k3s.kubeletArgs", "--write-kubeconfig-mode": "is always 644",
	"--node-external-ip": "is the node's externalAddress", "--data-dir": "is always /var/lib/rancher/k3s",
}

func checkFlag(at scope, path, flag string) {
	if !k3sFlag.MatchString(flag) {
		at.add(path, "%q is not of the form --flag or --flag=value", flag)
		return
	}
	name, _, _ := strings.Cut(flag, "=")
	if why, own := ownFlags[name]; own {
		at.add(path, "%s %s", name, why)
	}
}

func (w Wasm) validate(at scope) {
	if !wasmVersion.MatchString(w.Version) {
		at.add("wasm.version", "%q is not a WasmEdge version such as 0.14.1", w.Version)
	}
	switch w.Engine {
	case EngineCrun:
		if w.Shim != (Shim{}) {
			at.addFor("wasm.shim", []string{"wasm.shim", "wasm.engine"}, "only engine shim has one; this is engine crun")
		}
	case EngineShim:
		if !sha256Hex.MatchString(w.Shim.SHA256) {
			at.addFor("wasm.shim.sha256", []string{"wasm.shim", "wasm.engine"}, "%q is not a SHA-256 in lower case: give that of %s", w.Shim.SHA256, w.Shim.URL)
		}
		if u, err := url.Parse(w.Shim.URL); err != nil || u.Scheme != "https" || strings.ContainsAny(w.Shim.URL, "'\" \n") {
			at.add("wasm.shim.url", "%q is not an https address", w.Shim.URL)
		}
		if w.Shim.URL == shimURL && w.Version != shimWasmEdge {
			at.addFor("wasm.version", []string{"wasm.version", "wasm.shim", "wasm.engine"}, "the shim of %s holds WasmEdge %s, not %s: ask for that, or use engine crun", shimURL, shimWasmEdge, w.Version)
		}
	default:
		at.add("wasm.engine", "%q is neither crun nor shim", w.Engine)
	}
}

func (b Battle) validate(at scope) {
	label(at, "battle.namespace", b.Namespace)
	atLeastOne(at, "battle.replicas", b.Replicas)
	between(at, "battle.maxPlayers", b.MaxPlayers, 1, 10)
	between(at, "battle.tickRate", b.TickRate, 1, 1000)
	b.Source.validate(at, "battle")
	b.PortAllocator.validate(at, "battle.portAllocator")
	b.Ports.validate(at, b.Replicas)
	within(at, "battle.duration", b.Duration, time.Second, time.Hour)
	within(at, "battle.drainTimeout", b.DrainTimeout, time.Second, time.Hour)
	b.Resources.validate(at)
}

func (s Source) validate(at scope, path string) {
	keys := []string{path + ".archive", path + ".image"}
	switch {
	case s.Archive == "" && s.Image == "":
		at.addFor(path+".archive", keys, "required: give archive (a file of this machine) or image (a reference by digest)")
	case s.Archive != "" && s.Image != "":
		at.addFor(path+".image", keys, "give archive or image, not both")
	case s.Image != "" && !imageDigest.MatchString(s.Image):
		at.add(path+".image", "%q does not name its digest: write registry/name@sha256:…, so that every node runs the same", s.Image)
	}
}

// reserved are port ranges that a node uses for other things.
var reserved = []struct {
	Ports
	what string
}{
	{Ports{1, 1023}, "the system"},
	{Ports{2379, 2382}, "K3s's datastore"},
	{Ports{5001, 5001}, "K3s's registry mirror"},
	{Ports{6443, 6444}, "K3s's API server"},
	{Ports{8472, 8472}, "the pod network"},
	{Ports{9101, 9101}, "the exporter of the node's metrics"},
	{Ports{10248, 10259}, "the kubelet and the control plane"},
	{Ports{30000, 32767}, "NodePort services"},
	{Ports{32768, 60999}, "outgoing connections (Linux's ephemeral ports)"},
}

func (p Ports) validate(at scope, replicas int) {
	if p.First < 1 || p.Last > 65535 || p.First > p.Last {
		at.add("battle.ports", "%d to %d is not a range of ports", p.First, p.Last)
		return
	}
	for _, r := range reserved {
		if p.First <= r.Last && r.First <= p.Last {
			at.add("battle.ports", "%d to %d overlaps %d to %d, which belong to %s", p.First, p.Last, r.First, r.Last, r.what)
		}
	}
	// A rolling update has the surge on top, and until their battles have ended all the old pods hold their ports.
	surge := (replicas + 3) / 4
	if need, have := 2*replicas+surge, p.Last-p.First+1; have < need {
		at.addFor("battle.ports", []string{"battle.ports", "battle.replicas"}, "%d to %d are %d ports; %d replicas need %d with those of a rolling update: make the range longer or replicas fewer", p.First, p.Last, have, replicas, need)
	}
}

func (s SLO) validate(at scope, b Battle) {
	positive(at, "slo.rttP50", s.RTTP50)
	positive(at, "slo.duration", s.Duration)
	if s.RTTP99 < s.RTTP50 {
		at.addFor("slo.rttP99", []string{"slo.rttP99", "slo.rttP50"}, "%v is shorter than slo.rttP50, %v", s.RTTP99, s.RTTP50)
	}
	if s.RTTP999 < s.RTTP99 {
		at.addFor("slo.rttP999", []string{"slo.rttP999", "slo.rttP99"}, "%v is shorter than slo.rttP99, %v", s.RTTP999, s.RTTP99)
	}
	if s.TickRate <= 0 || s.TickRate > float64(b.TickRate) {
		at.addFor("slo.tickRate", []string{"slo.tickRate", "battle.tickRate"}, "%v is not above 0 and at most battle.tickRate, %d", s.TickRate, b.TickRate)
	}
	if most := max(b.MaxPlayers, 1); s.BotsPerPod < 1 || s.BotsPerPod > most {
		at.addFor("slo.botsPerPod", []string{"slo.botsPerPod", "battle.maxPlayers"}, "%d is not from 1 to %d", s.BotsPerPod, most)
	}
	atLeastOne(at, "slo.gate.attempts", s.Gate.Attempts)
}
