-- A battle that has ended, once, however often its result comes.
CREATE TABLE battles (
	id          INTEGER PRIMARY KEY,
	battle      BLOB    NOT NULL UNIQUE CHECK (length(battle) = 16),
	pod         TEXT    NOT NULL,
	run         TEXT    NOT NULL,
	room        INTEGER NOT NULL,
	outcome     TEXT    NOT NULL CHECK (outcome IN ('finished', 'abandoned', 'drained')),
	started_at  INTEGER NOT NULL, -- ms since 1970, as all times here
	ended_at    INTEGER NOT NULL,
	ticks       INTEGER NOT NULL,
	tick_rate   INTEGER NOT NULL,
	recorded_at INTEGER NOT NULL
) STRICT;

-- Who took part, in the order of the result.
CREATE TABLE scores (
	battle_id INTEGER NOT NULL REFERENCES battles (id),
	place     INTEGER NOT NULL,
	player    BLOB    NOT NULL CHECK (length(player) = 16),
	points    INTEGER NOT NULL,
	gone      INTEGER NOT NULL CHECK (gone IN (0, 1)), -- left before the end
	PRIMARY KEY (battle_id, place)
) STRICT, WITHOUT ROWID;

-- How far the stream of results has been read: at most one row.
CREATE TABLE stream (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	created  INTEGER NOT NULL, -- when the stream was made, in ns since 1970: what tells it from one made anew
	sequence INTEGER NOT NULL
) STRICT;
