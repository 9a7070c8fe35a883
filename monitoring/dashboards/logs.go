package dashboards

// logs is the one dashboard of Loki's. Its streams have the labels region, city, namespace, pod and container; what a line itself says, such as its room,
// is found in the line.
func logs() board {
	namespace := variable{name: "namespace", label: "Namespace", lokiLabel: "namespace", all: ".+"}
	pod := variable{name: "logpod", label: "Pod", lokiLabel: "pod", all: ".*"}
	room := variable{name: "room", label: "Room", description: "A room's id, as a battle has it."}
	text := variable{name: "text", label: "Text", description: "A text that lines have in them."}
	const streams = `{namespace=~"$namespace",@city,pod=~"$logpod"}`
	return board{
		file: "logs", title: "Logs", description: "What battle pods, lobby and the rest have written. A battle's lines are found by its room.",
		variables: append(regionAndCity(), namespace, pod, room, text),
		rows: []row{
			{"How many", []panel{
				logGraph("Lines", "ops", "Lines in a second by namespace.", q(`sum by (namespace) (rate(`+streams+`[$__auto]))`, "{{namespace}}")),
				logGraph("Lines that complain", "ops", "Lines in a second that say warn or error, by container.",
					q(`sum by (container) (rate(`+streams+" |~ `(?i)\"?level\"?[=:] ?\"?(warn|error)` [$__auto]))", "{{container}}")),
			}},
			{"Of a room", []panel{
				logLines("Lines of the room", "Lines of battle pods and lobby that name the room, newest first. Without a room there are all that name one.",
					q(`{namespace=~"$namespace",@city,container=~"real-time-battle|lobby"} |= "room" |= "$room"`, "")).tall(10),
			}},
			{"All", []panel{
				logLines("Lines", "Lines that have the text in them, newest first.", q(streams+` |= "$text"`, "")),
			}},
		},
	}
}
