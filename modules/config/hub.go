package config

import (
	"net"
	"slices"
	"strconv"
)

// Hub is the city that runs the region's hub; nil where no city is monitored.
func (r *Region) Hub() *City {
	var hub *City
	for i := range r.Cities {
		c := &r.Cities[i]
		// The hub's settings are the region's, so each city has them.
		named := c.Monitoring.Hub.City
		if c.Monitoring.Enabled && (named == c.Name || named == "" && (hub == nil || c.Name < hub.Name)) {
			hub = c
		}
	}
	return hub
}

// Watched are the names of the region's cities that are monitored.
func (r *Region) Watched() []string {
	var names []string
	for i := range r.Cities {
		if r.Cities[i].Monitoring.Enabled {
			names = append(names, r.Cities[i].Name)
		}
	}
	slices.Sort(names)
	return names
}

// appointHub tells the cities which of them is the hub.
func (r *Region) appointHub() {
	if hub := r.Hub(); hub != nil {
		hub.IsHub = true
	}
}

// HubAddress is where the cities reach the hub, `host:port`, if its first server is known.
func (r *Region) HubAddress() string {
	hub := r.Hub()
	if hub == nil {
		return ""
	}
	host := hub.Monitoring.Hub.Address
	if servers := hub.Servers(); host == "" && len(servers) > 0 {
		if host = servers[0].ExternalAddress; host == "" {
			host = servers[0].Endpoint.Address
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(hub.Monitoring.Hub.NodePort))
}
