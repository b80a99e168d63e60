-- One row for each event, of numbers only: what it says is in the log, and is
-- read from there.
CREATE TABLE history (
	n                INTEGER PRIMARY KEY,
	commit_position  INTEGER NOT NULL,
	prepare_position INTEGER NOT NULL,
	stream           INTEGER NOT NULL, -- a word, as are name, cycle, actor and subjects
	revision         INTEGER NOT NULL,
	name             INTEGER NOT NULL,
	cycle            INTEGER NOT NULL,
	actor            INTEGER NOT NULL,
	subjects         INTEGER NOT NULL, -- all of them as one word, each behind a space
	occurred_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE history_word (
	id   INTEGER PRIMARY KEY,
	word TEXT NOT NULL
) STRICT;

CREATE TABLE history_subject (
	person   TEXT NOT NULL,
	subjects INTEGER NOT NULL
) STRICT;
