package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	dnsLabel    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	k3sVersion  = regexp.MustCompile(`^v1\.\d+\.\d+\+k3s\d+$`)
	wasmVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	k3sFlag     = regexp.MustCompile(`^--[a-z0-9-]+(=[A-Za-z0-9_.,:/@=+-]+)?$`)
	kubeletArg  = regexp.MustCompile(`^[a-z0-9-]+=[A-Za-z0-9_.,:/@=+<%-]+$`)
	imageDigest = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$`)
)

// validate checks what remains when defaults are in place, all of it.
func (r *Region) validate() problems {
	var found problems
	label(&found, "name", r.Name)
	r.K3s.validate(&found)
	r.Wasm.validate(&found)
	r.Battle.validate(&found)
	r.SLO.validate(&found, r.Battle)
	positive(&found, "ssh.dialTimeout", r.SSH.DialTimeout)
	atLeastOne(&found, "ssh.dialAttempts", r.SSH.DialAttempts)
	r.validateCities(&found)
	return found
}

func (k K3s) validate(found *problems) {
	if !k3sVersion.MatchString(k.Version) {
		found.add("k3s.version", "%q is not a K3s release such as %s", k.Version, DefaultK3sVersion)
	}
	if k.Mirror.URL != "" {
		if u, err := url.Parse(k.Mirror.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.ContainsAny(k.Mirror.URL, "'\" \n") {
			found.add("k3s.mirror.url", "%q is not an http or https address", k.Mirror.URL)
		}
		if k.Mirror.ChecksumsFile == "" {
			found.add("k3s.mirror.checksumsFile", "required with a mirror: what it serves is believed by its checksum alone")
		}
	}
	positive(found, "k3s.readyTimeout", k.ReadyTimeout)
	for i, name := range k.Disable {
		label(found, fmt.Sprintf("k3s.disable[%d]", i), name)
	}
	for i, flag := range k.ServerFlags {
		checkFlag(found, fmt.Sprintf("k3s.serverFlags[%d]", i), flag)
	}
	for i, flag := range k.AgentFlags {
		checkFlag(found, fmt.Sprintf("k3s.agentFlags[%d]", i), flag)
	}
	for i, arg := range k.KubeletArgs {
		if !kubeletArg.MatchString(arg) {
			found.add(fmt.Sprintf("k3s.kubeletArgs[%d]", i), "%q is not of the form name=value", arg)
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

func checkFlag(found *problems, path, flag string) {
	if !k3sFlag.MatchString(flag) {
		found.add(path, "%q is not of the form --flag or --flag=value", flag)
		return
	}
	name, _, _ := strings.Cut(flag, "=")
	if why, own := ownFlags[name]; own {
		found.add(path, "%s %s", name, why)
	}
}

func (w Wasm) validate(found *problems) {
	if !wasmVersion.MatchString(w.Version) {
		found.add("wasm.version", "%q is not a WasmEdge version such as 0.14.1", w.Version)
	}
	switch w.Engine {
	case EngineCrun:
		if w.Shim != (Shim{}) {
			found.add("wasm.shim", "only engine shim has one; this is engine crun")
		}
	case EngineShim:
		if !sha256Hex.MatchString(w.Shim.SHA256) {
			found.add("wasm.shim.sha256", "%q is not a SHA-256 in lower case: give that of %s", w.Shim.SHA256, w.Shim.URL)
		}
		if u, err := url.Parse(w.Shim.URL); err != nil || u.Scheme != "https" || strings.ContainsAny(w.Shim.URL, "'\" \n") {
			found.add("wasm.shim.url", "%q is not an https address", w.Shim.URL)
		}
		if w.Shim.URL == shimURL && w.Version != shimWasmEdge {
			found.add("wasm.version", "the shim of %s holds WasmEdge %s, not %s: ask for that, or use engine crun", shimURL, shimWasmEdge, w.Version)
		}
	default:
		found.add("wasm.engine", "%q is neither crun nor shim", w.Engine)
	}
}

func (b Battle) validate(found *problems) {
	label(found, "battle.namespace", b.Namespace)
	atLeastOne(found, "battle.replicas", b.Replicas)
	between(found, "battle.maxPlayers", b.MaxPlayers, 1, 10)
	between(found, "battle.tickRate", b.TickRate, 1, 1000)
	b.Source.validate(found, "battle")
	b.PortAllocator.validate(found, "battle.portAllocator")
	b.Ports.validate(found, b.Replicas)
	atMost(found, "cpu", b.Resources.Requests.CPU, b.Resources.Limits.CPU)
	atMost(found, "memory", b.Resources.Requests.Memory, b.Resources.Limits.Memory)
}

func (s Source) validate(found *problems, path string) {
	switch {
	case s.Archive == "" && s.Image == "":
		found.add(path, "give archive (a file of this machine) or image (a reference by digest)")
	case s.Archive != "" && s.Image != "":
		found.add(path, "give archive or image, not both")
	case s.Image != "" && !imageDigest.MatchString(s.Image):
		found.add(path+".image", "%q does not name its digest: write registry/name@sha256:…, so that every node runs the same", s.Image)
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
	{Ports{10248, 10259}, "the kubelet and the control plane"},
	{Ports{30000, 32767}, "NodePort services"},
	{Ports{32768, 60999}, "outgoing connections (Linux's ephemeral ports)"},
}

func (p Ports) validate(found *problems, replicas int) {
	if p.First < 1 || p.Last > 65535 || p.First > p.Last {
		found.add("battle.ports", "%d to %d is not a range of ports", p.First, p.Last)
		return
	}
	for _, r := range reserved {
		if p.First <= r.Last && r.First <= p.Last {
			found.add("battle.ports", "%d to %d overlaps %d to %d, which belong to %s", p.First, p.Last, r.First, r.Last, r.what)
		}
	}
	// A rolling update has the surge on top, and as many more that are on their way out and still hold their ports.
	surge := (replicas + 3) / 4
	if need, have := replicas+2*surge, p.Last-p.First+1; have < need {
		found.add("battle.ports", "%d to %d are %d ports; %d replicas need %d with those of a rolling update: make the range longer or replicas fewer", p.First, p.Last, have, replicas, need)
	}
}

func (s SLO) validate(found *problems, b Battle) {
	positive(found, "slo.rttP50", s.RTTP50)
	positive(found, "slo.duration", s.Duration)
	if s.RTTP99 < s.RTTP50 {
		found.add("slo.rttP99", "%v is shorter than slo.rttP50, %v", s.RTTP99, s.RTTP50)
	}
	if s.RTTP999 < s.RTTP99 {
		found.add("slo.rttP999", "%v is shorter than slo.rttP99, %v", s.RTTP999, s.RTTP99)
	}
	if s.TickRate <= 0 || s.TickRate > float64(b.TickRate) {
		found.add("slo.tickRate", "%v is not above 0 and at most battle.tickRate, %d", s.TickRate, b.TickRate)
	}
	between(found, "slo.botsPerPod", s.BotsPerPod, 1, max(b.MaxPlayers, 1))
}

func (r *Region) validateCities(found *problems) {
	if len(r.Cities) == 0 {
		found.add("cities", "required: a region has at least one city")
	}
	cities, hosts := map[string]string{}, map[string]string{}
	for i, c := range r.Cities {
		path := fmt.Sprintf("cities[%d]", i)
		label(found, path+".name", c.Name)
		unique(found, cities, path+".name", c.Name)
		c.validate(found, path, hosts)
	}
}

func (c City) validate(found *problems, path string, hosts map[string]string) {
	if len(c.Nodes) == 0 {
		found.add(path+".nodes", "required: a city has at least one node")
		return
	}
	names := map[string]string{}
	servers := 0
	for j, n := range c.Nodes {
		at := fmt.Sprintf("%s.nodes[%d]", path, j)
		label(found, at+".name", n.Name)
		unique(found, names, at+".name", n.Name)
		if n.Host == "" {
			found.add(at+".host", "required: an address, or an alias of ssh.configFile")
		}
		machine := n.Host
		if n.Endpoint.Address != "" {
			// Two aliases of one machine are as wrong as one alias twice.
			machine = net.JoinHostPort(n.Endpoint.Address, strconv.Itoa(n.Endpoint.Port))
		}
		unique(found, hosts, at+".host", machine)
		positive(found, at+".ssh.dialTimeout", n.SSH.DialTimeout)
		atLeastOne(found, at+".ssh.dialAttempts", n.SSH.DialAttempts)
		if n.ExternalAddress != "" {
			if _, err := netip.ParseAddr(n.ExternalAddress); err != nil {
				found.add(at+".externalAddress", "%q is not an IP address", n.ExternalAddress)
			}
		}
		switch n.Role {
		case RoleServer:
			servers++
		case RoleAgent:
		case "":
			found.add(at+".role", "required in a city of several nodes: server or agent")
		default:
			found.add(at+".role", "%q is neither server nor agent", n.Role)
		}
	}
	if servers%2 == 0 {
		found.add(path+".nodes", "%d of them are servers: give one, or three or five, for only an odd number keeps a majority when one fails", servers)
	}
}

func label(found *problems, path, value string) {
	if value == "" {
		found.add(path, "required")
	} else if !dnsLabel.MatchString(value) {
		found.add(path, "%q is not a DNS label: at most 63 of a-z, 0-9 and -, and no - at either end", value)
	}
}

func unique(found *problems, seen map[string]string, path, value string) {
	if value == "" {
		return
	}
	if before, ok := seen[value]; ok {
		found.add(path, "%q is already %s", value, before)
		return
	}
	seen[value] = path
}

func positive(found *problems, path string, d time.Duration) {
	if d <= 0 {
		found.add(path, "%v is not longer than nothing", d)
	}
}

func atLeastOne(found *problems, path string, n int) {
	if n < 1 {
		found.add(path, "%d is less than 1", n)
	}
}

func between(found *problems, path string, n, low, high int) {
	if n < low || n > high {
		found.add(path, "%d is not from %d to %d", n, low, high)
	}
}

func atMost(found *problems, kind, request, limit string) {
	least, errR := resource.ParseQuantity(request)
	most, errL := resource.ParseQuantity(limit)
	if errR != nil || least.Sign() <= 0 {
		found.add("battle.resources.requests."+kind, "%q is not a quantity such as 200m or 256Mi", request)
	}
	if errL != nil || most.Sign() <= 0 {
		found.add("battle.resources.limits."+kind, "%q is not a quantity such as 1 or 512Mi", limit)
	}
	if errR == nil && errL == nil && least.Cmp(most) > 0 {
		found.add("battle.resources.requests."+kind, "%s is more than its limit, %s", request, limit)
	}
}
