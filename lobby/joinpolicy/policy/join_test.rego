package gaming_test

import data.gaming

join := {
	"action": "join",
	"user": {"id": "p0", "role": "player"},
	"game": {"id": "b0", "status": "waiting", "players": []},
}

with_players(n) := object.union(join, {"game": {"players": players}}) {
	players := [p | i := numbers.range(1, n)[_]; p := sprintf("p%d", [i])]
}

test_player_joins_a_battle_that_waits {
	gaming.allow with input as join
}

test_last_place {
	gaming.allow with input as with_players(9)
}

test_full {
	not gaming.allow with input as with_players(10)
}

test_more_than_full {
	not gaming.allow with input as with_players(40)
}

test_other_actions {
	count(["leave", "kick", "spectate", "JOIN", "", null, 1]) == count([a |
		a := ["leave", "kick", "spectate", "JOIN", "", null, 1][_]
		not gaming.allow with input as object.union(join, {"action": a})
	])
}

test_other_roles {
	count(["admin", "spectator", "Player", "", null, ["player"]]) == count([r |
		r := ["admin", "spectator", "Player", "", null, ["player"]][_]
		not gaming.allow with input as object.union(join, {"user": {"role": r}})
	])
}

test_other_statuses {
	count(["playing", "finished", "abandoned", "drained", "lost", "", null]) == count([s |
		s := ["playing", "finished", "abandoned", "drained", "lost", "", null][_]
		not gaming.allow with input as object.union(join, {"game": {"status": s}})
	])
}

test_nothing_may_be_missing {
	count(["/action", "/user", "/user/role", "/game", "/game/status", "/game/players"]) == count([p |
		p := ["/action", "/user", "/user/role", "/game", "/game/status", "/game/players"][_]
		not gaming.allow with input as json.remove(join, [p])
	])
}

test_no_input {
	not gaming.allow with input as {}
}

test_denial_is_false_and_not_undefined {
	gaming.allow == false with input as {}
}
