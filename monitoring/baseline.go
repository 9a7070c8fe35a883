package monitoring

// Footprint is what one battle takes.
type Footprint struct {
	// Cores are processors, MemoryBytes and StorageBytes what they say.
	Cores, MemoryBytes, StorageBytes float64
	// Utilization is the share of what is paid for that is used.
	Utilization float64
}

// The two sides of the case's comparison, sections 4.2 and 4.3.
const (
	mib = 1 << 20
	mb  = 1e6
)

// Container is what a battle takes as a container: 2 cores, 2 GiB, 200 MB, of which 30 % are used.
func Container() Footprint {
	return Footprint{Cores: 2, MemoryBytes: 2048 * mib, StorageBytes: 200 * mb, Utilization: 0.30}
}

// Pod is what a battle pod may take: less than a core, 512 MiB and 50 MB, of which 85 % are used.
func Pod() Footprint {
	return Footprint{Cores: 1, MemoryBytes: 512 * mib, StorageBytes: 50 * mb, Utilization: 0.85}
}

// Saving is the share by which cities are to be cheaper than containers.
const Saving = 0.70
