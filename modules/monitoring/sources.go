package monitoring

import (
	"cmp"
	"errors"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/edge-arena/edge-arena/internal/dashboard"
)

// Sources are the hub's stores, which are asked through the hub city's API server.
func Sources(connection *rest.Config) (dashboard.Sources, error) {
	client, err := rest.HTTPClientFor(connection)
	if err != nil {
		// The cause may quote the credentials.
		return dashboard.Sources{}, errors.New("the hub's API server cannot be reached with this kubeconfig")
	}
	store := func(name string, port int, path string) dashboard.API {
		return dashboard.API{URL: strings.TrimSuffix(connection.Host, "/") + "/api/v1/namespaces/" + Namespace + "/services/http:" + name + ":" + strconv.Itoa(port) + "/proxy" + path, Client: client}
	}
	return dashboard.Sources{Prometheus: store(prometheusHub, prometheusPort, "/api/v1"), Loki: store(loki, lokiPort, "/loki/api/v1")}, nil
}

// Variables are the dashboards' variables with everything chosen, or what is of one city.
func Variables(city string) map[string]string {
	return map[string]string{
		"region": ".*", "city": cmp.Or(city, ".*"), "pod": ".*", "node": ".*", "namespace": ".+", "logpod": ".+", "room": "", "text": "",
	}
}
