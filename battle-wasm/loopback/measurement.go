package loopback

// Measurement is what command tickbench has measured. Times are in ns for one room of ten players and one tick.
type Measurement struct {
	// Rooms played at once for so many Ticks.
	Rooms, Ticks int
	// Clock is what was counted.
	Clock string
	// Mean, P50 and P99 are over the ticks.
	Mean, P50, P99 float64
	// Allocations are those of the heap per tick of all rooms.
	Allocations float64
	// SnapshotBytes is the mean size of a snapshot.
	SnapshotBytes float64
}
