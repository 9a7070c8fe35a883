// Port-allocator is a city's admission webhook that gives every battle pod a port of its own.
//
// It runs once per city, in the namespace of the battle pods, and answers POST /mutate: the creation of a pod which its webhook
// configuration selects. Of that pod it sets
//
//   - containerPort and hostPort of the ports named `game` (UDP, required) and `http` (TCP, optional) to the pod's port,
//   - BATTLE_PORT in the environment of the container that has them to the same number.
//
// # Flags
//
//	-first, -last   the range of ports, both inclusive (required)
//	-namespace      the namespace of the battle pods and of this service (required)
//	-webhook        name of the MutatingWebhookConfiguration that calls this service (required)
//	-service        name of the Service in front of this pod (default port-allocator)
//	-listen         address of the webhook, HTTPS (default :8443)
//	-health         address of /healthz, /readyz and /metrics, HTTP (default :8080)
//	-reserve        how long a port is kept for an admitted pod that has not appeared yet (default 1m)
//	-recheck        how often the CA bundle of the webhook configuration is looked at (default 5s)
//	-kubeconfig     how to reach the API server (default: the pod's service account)
//
// # Deployment
//
// It makes its CA and its serving certificate (for <service>.<namespace>.svc) when it starts, keeps both in memory, and writes the
// CA into the webhook configuration itself, so the configuration is applied without caBundle, and not after this service has
// become ready: it becomes ready once it has found and completed it. Its rights: `get` and `patch` on that one
// MutatingWebhookConfiguration by name, `list` and `watch` on pods in its namespace.
//
// Reservations live in memory: run one replica, with strategy Recreate. While it is away the creation of battle pods fails
// (failurePolicy: Fail) and their ReplicaSet tries again. Leave reinvocationPolicy at Never, and keep this service's own pod out of
// the webhook's objectSelector.
package main

import (
	"github.com/edge-arena/edge-arena/internal/daemon"
	"github.com/edge-arena/edge-arena/internal/portalloc"
)

func main() { daemon.Main(portalloc.ParseFlags, portalloc.Run) }
