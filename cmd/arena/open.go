package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/edge-arena/edge-arena/internal/forward"
	"github.com/edge-arena/edge-arena/internal/stack"
	"github.com/edge-arena/edge-arena/internal/subprogram"
	"github.com/edge-arena/edge-arena/modules/monitoring"
)

func newOpen() *cobra.Command {
	var name, city string
	var port int
	cmd := &cobra.Command{
		Use:   "open {" + strings.Join(monitoring.PageNames(), "|") + "}",
		Short: "Open a page of a city's monitoring on this machine, until Ctrl-C",
		Long: "Bring a page of the monitoring to this machine, print its address and, for Grafana, the login, and keep it open until Ctrl-C.\n" +
			"Without --city it is the region's hub. Prometheus there is the long-term one; with --city it is the city's own.",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: monitoring.PageNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, _, tools, err := openTools(cmd)
			if err != nil {
				return err
			}
			s := stackOf(w, tools, name)
			return openPage(cmd.Context(), s, args[0], city, port, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&name, "stack", "s", localStack, "the stack")
	cmd.Flags().StringVarP(&city, "city", "c", "", "the city; default is the region's hub")
	cmd.Flags().IntVar(&port, "port", 0, "the port on this machine; default is a free one")
	return cmd
}

func openPage(ctx context.Context, s stack.Stack, what, name string, port int, stdout, stderr io.Writer) error {
	cities, kubeconfigs, err := s.CitiesAndKubeconfigs(ctx)
	if err != nil {
		return err
	}
	city, page, err := choosePage(cities, what, name)
	if err != nil {
		return fmt.Errorf("open %s of stack %s: %w", what, s.Name, err)
	}
	if page.URL != "" {
		_, err := fmt.Fprintf(stdout, "%s is the operator's own: %s\n", what, page.URL)
		return err
	}
	return forwardPage(ctx, kubeconfigs[city], what, page, port, stdout, stderr)
}

// choosePage finds the city that has the page: the one that is named, else the hub.
func choosePage(cities map[string]stack.City, what, name string) (string, monitoring.Page, error) {
	if name != "" {
		city, ok := cities[name]
		if !ok {
			return "", monitoring.Page{}, fmt.Errorf("there is no city %s: there are %s", name, strings.Join(slices.Sorted(maps.Keys(cities)), ", "))
		}
		page, ok := city.Monitoring.Page(what, true)
		if !ok {
			return "", page, fmt.Errorf("city %s has none", name)
		}
		return name, page, nil
	}
	for _, name := range slices.Sorted(maps.Keys(cities)) {
		if !cities[name].Monitoring.Hub {
			continue
		}
		page, ok := cities[name].Monitoring.Page(what, false)
		if !ok {
			return "", page, fmt.Errorf("the region's hub, city %s, has none (see `arena doctor`, and monitoring.hub in the stack file)", name)
		}
		return name, page, nil
	}
	return "", monitoring.Page{}, errors.New("no city of it is a hub that has been brought up")
}

func forwardPage(ctx context.Context, kubeconfig, what string, page monitoring.Page, port int, stdout, stderr io.Writer) error {
	connection, err := subprogram.Connection(kubeconfig, "edge-arena-open")
	if err != nil {
		return err
	}
	login := ""
	if page.Login {
		client, err := kubernetes.NewForConfig(connection)
		if err != nil {
			return subprogram.ErrCredentials
		}
		secret, err := client.CoreV1().Secrets(monitoring.Namespace).Get(ctx, monitoring.GrafanaSecret, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("read the login: %w", err)
		}
		login = fmt.Sprintf("  log in as %s with %s\n", monitoring.GrafanaUser, secret.Data[monitoring.GrafanaPasswordKey])
	}
	return forward.Run(ctx, connection, forward.Target{Namespace: monitoring.Namespace, App: page.App, Port: page.Port}, port, stderr, func(port int) error {
		_, err := fmt.Fprintf(stdout, "%s: http://127.0.0.1:%d\n%sCtrl-C ends it.\n", what, port, login)
		return err
	})
}
