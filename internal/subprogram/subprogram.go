// Package subprogram is what the Pulumi program's other selves (the gate, the mint, the proof of policies) have in common: a command's main, and the
// way to a city's API server.
package subprogram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// requestTimeout is how long one answer of the city's API server may take.
const requestTimeout = 30 * time.Second

// ErrCredentials is a kubeconfig whose certificates or keys cannot be read. The cause may quote them, and they are secret.
var ErrCredentials = errors.New("kubeconfig: its certificates or keys cannot be read")

// Main runs a command, prints its error and returns the exit code. SIGINT and SIGTERM end the command's context.
func Main(run func(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 1
	}
	return 0
}

// Connection is how the user agent reaches the API server of a kubeconfig.
func Connection(kubeconfig, userAgent string) (*rest.Config, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		// The cause may quote the kubeconfig, and that is a secret.
		return nil, errors.New("kubeconfig: it cannot be read, or names no cluster")
	}
	config.Timeout, config.UserAgent = requestTimeout, userAgent
	return config, nil
}
