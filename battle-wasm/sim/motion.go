package sim

// Motion is how players move in an arena. Players know it too, and reckon with it.
type Motion struct {
	width, height int32 // 1/Unit
	speed         int32 // 1/Unit a tick
}

// NewMotion returns the motion of an arena of that size, in units, at a tick rate.
func NewMotion(tickRate, width, height int) Motion {
	return Motion{width: int32(width * Unit), height: int32(height * Unit), speed: int32(playerSpeed * Unit / tickRate)}
}

// Move gives the place after n inputs with this move vector. The arena's walls stop a player, its other component goes on.
func (m Motion) Move(x, y int32, moveX, moveY int8, n int32) (int32, int32) {
	dx, dy := cut(int32(moveX), int32(moveY))
	const margin = playerRadius * Unit
	x = min(max(x+dx*m.speed/moveFull*n, margin), m.width-margin)
	y = min(max(y+dy*m.speed/moveFull*n, margin), m.height-margin)
	return x, y
}

// Size gives the arena's width and height in 1/[Unit].
func (m Motion) Size() (width, height int32) { return m.width, m.height }
