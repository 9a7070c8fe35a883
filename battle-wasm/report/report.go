// Package report is what a battle pod tells the city over NATS: that it is there and who plays on it, and how its battles ended.
//
// A pod says each half second that it is there, and sooner when something has changed ([PresenceSubject], core NATS). A result goes to a JetStream
// stream ([ResultSubject]) with the battle's identity as the message's ([HeaderMessageID]), and is sent again until it has been acknowledged. Both
// are JSON and carry a MAC under the city's ticket key ([HeaderMAC], made by [ticket.Keys.Sign] of the payload): NATS lets a client publish, the MAC says
// that a battle pod wrote it.
//
// The server appends the JSON itself: encoding/json would be a third of the whole module. Those who read it use these structs with encoding/json.
package report

// The subjects end in the pod's name.
const (
	PresenceSubject = "battle.presence."
	ResultSubject   = "battle.results."
)

// The headers of a message.
const (
	HeaderMessageID = "Nats-Msg-Id"
	HeaderMAC       = "Edge-Arena-Mac"
)

// Presence says that a pod is there.
type Presence struct {
	// Pod is the pod's name.
	Pod string `json:"pod"`
	// Run is the number that this start of the server made for itself, 16 hexadecimal digits: tickets are bound to it.
	Run string `json:"run"`
	// Address is where players reach it, `host:port`.
	Address string `json:"address"`
	// Sequence counts the messages of a run, from 1. One that is not newer than another of the same run is late.
	Sequence uint64 `json:"sequence"`
	// TickRate is the number of ticks a second.
	TickRate int `json:"tickRate"`
	// MaxPlayers is the most players in a room, RoomsLimit the most rooms: their numbers are below it.
	MaxPlayers int `json:"maxPlayers"`
	RoomsLimit int `json:"roomsLimit"`
	// Draining is whether the pod is about to go: it takes no new battles.
	Draining bool `json:"draining"`
	// Full is whether the pod's ticks need so much of their time that it begins no more battles for now, whatever rooms are free.
	Full bool `json:"full,omitempty"`
	// Rooms are those in use.
	Rooms []Room `json:"rooms"`
}

// Room is a battle that is being fought.
type Room struct {
	// Room is the room's number.
	Room int `json:"room"`
	// Battle is the battle's identity, 32 hexadecimal digits; none for one of bots that measure.
	Battle string `json:"battle,omitempty"`
	// EndsIn is the time to its end in seconds, rounded down.
	EndsIn int `json:"endsIn"`
	// Players are those who are in it now, 32 hexadecimal digits each.
	Players []string `json:"players"`
}

// Outcome is how a battle ended.
type Outcome string

// The outcomes of a battle. One whose pod was lost has none, and no result.
const (
	// Finished is a battle that was fought to its end.
	Finished Outcome = "finished"
	// Abandoned is one that all players left.
	Abandoned Outcome = "abandoned"
	// Drained is one that was cut short because its pod had to go.
	Drained Outcome = "drained"
)

// Result is how a battle ended.
type Result struct {
	// Battle is the battle's identity, 32 hexadecimal digits.
	Battle string `json:"battle"`
	// Pod is the name of the pod, Run the number of its run, Room that of the room.
	Pod  string `json:"pod"`
	Run  string `json:"run"`
	Room int    `json:"room"`
	// Outcome is how it ended.
	Outcome Outcome `json:"outcome"`
	// StartedAt and EndedAt are in ms since 1970.
	StartedAt int64 `json:"startedAt"`
	EndedAt   int64 `json:"endedAt"`
	// Ticks is how many it had, at TickRate a second.
	Ticks    int `json:"ticks"`
	TickRate int `json:"tickRate"`
	// Players are those who took part, those who left before the end too, but for the first of more than [MaxPlayers].
	Players []Score `json:"players"`
}

// MaxPlayers is the most players in a [Result].
const MaxPlayers = 40

// Score is what a player reached.
type Score struct {
	// Player is the player's identity, 32 hexadecimal digits.
	Player string `json:"player"`
	// Points is the score.
	Points int `json:"points"`
	// Left is whether the player was gone before the end.
	Left bool `json:"left,omitempty"`
}
