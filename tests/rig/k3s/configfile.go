package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli"

	"github.com/edge-arena/edge-arena/tests/rig/k3s/internal/config"
)

// withConfigFile puts the settings of the configuration file before the flags of the command line, which therefore win (and add
// to them, where a flag is a list).
func withConfigFile(args []string) []string {
	if len(args) < 2 {
		return args
	}
	var flags []cli.Flag
	switch args[1] {
	case "server":
		flags = serverCommand().Flags
	case "agent":
		flags = agentCommand().Flags
	default:
		return args
	}
	settings, err := config.FileArgs(configFile(args[2:]))
	if err != nil {
		fmt.Fprintf(os.Stderr, "level=fatal msg=%q\n", err.Error())
		os.Exit(1)
	}
	all := append([]string{}, args[:2]...)
	for _, s := range settings {
		if !known(flags, s.Name) {
			// As K3s does: one file may serve several versions and roles.
			fmt.Fprintf(os.Stderr, "level=warning msg=\"unknown flag --%s found in configuration file, skipping\"\n", s.Name)
			continue
		}
		all = append(all, fmt.Sprintf("--%s=%s", s.Name, s.Value))
	}
	return append(all, args[2:]...)
}

func configFile(args []string) string {
	for i, arg := range args {
		for _, name := range []string{"--config", "-config", "-c", "--c"} {
			if value, ok := strings.CutPrefix(arg, name+"="); ok {
				return value
			}
			if arg == name && i+1 < len(args) {
				return args[i+1]
			}
		}
	}
	if file := os.Getenv("K3S_CONFIG_FILE"); file != "" {
		return file
	}
	return config.DefaultFile
}

func known(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		for _, n := range strings.Split(f.GetName(), ",") {
			if strings.TrimSpace(n) == name {
				return true
			}
		}
	}
	return false
}
