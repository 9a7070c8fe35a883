# Who may join a battle: a player, while the battle waits and has a place. All else is denied.
#
# The lobby asks data.gaming.allow with
#
#   {"action": "join",
#    "user": {"id": "<pseudonym>", "role": "player"},
#    "game": {"id": "<battle>", "status": "waiting", "players": ["<pseudonym>", …]}}
#
# where game.players are those who are in the battle or hold a ticket to it.
package gaming

default allow = false

allow {
	input.action == "join"
	input.user.role == "player"
	input.game.status == "waiting"
	count(input.game.players) < 10
}
