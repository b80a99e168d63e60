-- The events that one import, or one act on many things, recorded.
CREATE TABLE together (
	n           INTEGER PRIMARY KEY,
	correlation TEXT NOT NULL
) STRICT;
