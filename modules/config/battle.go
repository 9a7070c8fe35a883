package config

import "time"

// Battle is the battle service of a city.
type Battle struct {
	// Namespace holds the battle pods. Default is battle.
	Namespace string `mapstructure:"namespace"`
	// Replicas is the number of battle pods in each city. Default is 10.
	Replicas int `mapstructure:"replicas"`
	// Source is the battle server's image: one of both must be given.
	Source `mapstructure:",squash"`
	// PortAllocator is the image of the service that gives each battle pod its port: an archive or an image, too.
	PortAllocator Source `mapstructure:"portAllocator"`
	// MaxPlayers is the most players in one battle, 1 to 10. Default is 10.
	MaxPlayers int `mapstructure:"maxPlayers"`
	// TickRate is the simulation's rate in ticks a second, 1 to 1000. Default is 120.
	TickRate int `mapstructure:"tickRate"`
	// Ports are the node ports that battle pods are given. Default is 20000 to 20999.
	Ports Ports `mapstructure:"ports"`
	// Duration is how long a battle lasts at most, in whole seconds, 1s to 1h. Default is 5m.
	Duration time.Duration `mapstructure:"duration"`
	// DrainTimeout is how long a pod that has to go waits for its battles to end, at most 1h: the longest battle. Default is 5m.
	DrainTimeout time.Duration `mapstructure:"drainTimeout"`
	// Resources are those of one battle pod.
	Resources Resources `mapstructure:"resources"`
}

// Source is where an image comes from: one of both.
type Source struct {
	// Archive is a file of this machine, an OCI archive (.tar) that is delivered to the nodes over SSH.
	Archive string `mapstructure:"archive"`
	// Image is a reference by digest, `registry/name@sha256:…`, that the nodes pull.
	Image string `mapstructure:"image"`
}

// Ports is a range of ports, both ends included.
type Ports struct {
	// First is the lowest.
	First int `mapstructure:"first"`
	// Last is the highest. The range must have room for the pods of a rolling update: 2.25 times the replicas, about.
	Last int `mapstructure:"last"`
}

// Resources are what a pod asks for and what it may use at most.
type Resources struct {
	// Requests default to 200m and 256Mi.
	Requests Quantities `mapstructure:"requests"`
	// Limits default to 1 and 512Mi.
	Limits Quantities `mapstructure:"limits"`
}

// Quantities are amounts in Kubernetes' notation.
type Quantities struct {
	// CPU is a number of cores: 2, 1.5 or 1500m.
	CPU string `mapstructure:"cpu"`
	// Memory is a number of bytes: 512Mi or 8Gi.
	Memory string `mapstructure:"memory"`
}

// SLO is what players are promised, and how it is measured.
type SLO struct {
	// RTTP50 is the objective for the median round trip time. Default is 10ms.
	RTTP50 time.Duration `mapstructure:"rttP50"`
	// RTTP99 is the objective for its 99th percentile. Default is 20ms.
	RTTP99 time.Duration `mapstructure:"rttP99"`
	// RTTP999 is the objective for its 99.9th percentile. Default is 50ms.
	RTTP999 time.Duration `mapstructure:"rttP999"`
	// TickRate is the least rate of every pod, in ticks a second. Default is 119.5.
	TickRate float64 `mapstructure:"tickRate"`
	// BotsPerPod is how many bots play on each pod when it is measured. Default is battle.maxPlayers, and so is 0.
	BotsPerPod int `mapstructure:"botsPerPod"`
	// Duration is how long they play. Default is 30s.
	Duration time.Duration `mapstructure:"duration"`
	// Gate holds a roll-out to the objectives.
	Gate Gate `mapstructure:"gate"`
}

// Gate plays bots at a city after each change of it, and fails the update when an objective is missed.
type Gate struct {
	// Enabled is whether the city has a gate. Default is true.
	Enabled bool `mapstructure:"enabled"`
	// Attempts is how often is played at the most when the bots themselves came late, so that a miss may be theirs. Default is 3.
	Attempts int `mapstructure:"attempts"`
	// Rollback puts the battle pods back to the last image that passed here when an objective is missed. Default is false.
	Rollback bool `mapstructure:"rollback"`
}
