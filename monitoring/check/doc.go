// Package check holds what monitoring/generated has against Prometheus' own parser and against the metrics that there are. It is a module of its own, because
// Prometheus wants newer libraries than the cities run.
package check
