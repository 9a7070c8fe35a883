package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

func (r *Region) validateCities(found *problems) {
	cities, hosts := map[string]string{}, map[string]string{}
	for i := range r.Cities {
		c := &r.Cities[i]
		path := fmt.Sprintf("cities[%d]", i)
		label(found, path+".name", c.Name)
		unique(found, cities, path+".name", c.Name)
		r.checkPrefix(found, path+".name", c.Name)
		at := scope{found: found, at: path, own: c.own, parent: &scope{found: found}}
		c.validate(at)
		c.validateLocation(found, path+".location")
		c.validateNodes(at, hosts)
		c.validateRoom(at)
		c.enforce(at)
	}
}

// checkPrefix refuses a name that begins with another's and a dash: the names of the city's parts begin with its own, and would be
// taken for the other city's.
func (r *Region) checkPrefix(found *problems, path, name string) {
	for i := range r.Cities {
		if other := r.Cities[i].Name; other != "" && strings.HasPrefix(name, other+"-") {
			found.add(path, "%q begins with the name of city %q and a dash, so the names of their parts could be the same: give it another", name, other)
		}
	}
}

func (c *City) validateLocation(found *problems, path string) {
	l := c.Location
	if l == nil {
		return
	}
	for _, key := range []string{"latitude", "longitude"} {
		if !has(c.own, "location."+key) {
			found.add(path+"."+key, "required: a location has latitude and longitude, in degrees")
		}
	}
	if l.Latitude < -90 || l.Latitude > 90 {
		found.add(path+".latitude", "%g is not from -90 to 90", l.Latitude)
	}
	if l.Longitude < -180 || l.Longitude > 180 {
		found.add(path+".longitude", "%g is not from -180 to 180", l.Longitude)
	}
}

func (c *City) validateNodes(city scope, hosts map[string]string) {
	found := city.found
	if len(c.Nodes) == 0 {
		found.add(city.at+".nodes", "required: a city has at least one node")
		return
	}
	names := map[string]string{}
	servers := 0
	for j := range c.Nodes {
		n := &c.Nodes[j]
		at := fmt.Sprintf("%s.nodes[%d]", city.at, j)
		label(found, at+".name", n.Name)
		unique(found, names, at+".name", n.Name)
		if n.Host == "" {
			found.add(at+".host", "required: an address, or an alias of ssh.configFile")
		}
		unique(found, hosts, at+".host", n.machine())
		n.validate(scope{found: found, at: at, own: n.own, parent: &city})
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
		found.add(city.at+".nodes", "%d of them are servers: give one, or three or five, for only an odd number keeps a majority when one fails", servers)
	}
}

// machine is what tells the node's machine from others: as far as it is known, for two aliases of one are as wrong as one alias twice.
func (n *Node) machine() string {
	switch {
	case n.Endpoint.Address != "":
		return net.JoinHostPort(n.Endpoint.Address, strconv.Itoa(n.Endpoint.Port))
	case n.Host != "" && n.SSH.Port != 0:
		return net.JoinHostPort(n.Host, strconv.Itoa(n.SSH.Port))
	default:
		return n.Host
	}
}

func (r *Region) validateWaves(found *problems) {
	names, cities := map[string]string{}, map[string]string{}
	percent := 0
	for i, w := range r.Waves {
		path := fmt.Sprintf("waves[%d]", i)
		label(found, path+".name", w.Name)
		unique(found, names, path+".name", w.Name)
		if w.Name == restWave {
			found.add(path+".name", "%q is what the cities are called that no wave has taken: give it another name", restWave)
		}
		switch {
		case len(w.Cities) > 0 && w.Percent != 0:
			found.add(path+".percent", "give cities or percent, not both")
		case len(w.Cities) == 0 && w.Percent == 0:
			found.add(path+".cities", "required: name the wave's cities, or give percent")
		case w.Percent < 0 || w.Percent > 100:
			found.add(path+".percent", "%d is not from 1 to 100", w.Percent)
		case w.Percent > 0 && w.Percent <= percent:
			found.add(path+".percent", "%d is not more than the %d of the wave before: it counts that wave's cities too", w.Percent, percent)
		}
		percent = max(percent, w.Percent)
		for j, name := range w.Cities {
			at := fmt.Sprintf("%s.cities[%d]", path, j)
			if !slices.ContainsFunc(r.Cities, func(c City) bool { return c.Name == name }) {
				found.add(at, "there is no city %q in this region", name)
			}
			unique(found, cities, at, name)
		}
	}
}
