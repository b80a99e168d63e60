-- The events that one import, or one act on many things, recorded.
CREATE TABLE together (
	n    INTEGER PRIMARY KEY,
	work TEXT NOT NULL -- their correlation
) STRICT;
