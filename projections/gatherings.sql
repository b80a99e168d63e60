CREATE TABLE gatherings (
	key   TEXT NOT NULL PRIMARY KEY, -- cycle.gathering
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,             -- announced, cancelled
	due   INTEGER,                   -- when it begins
	body  TEXT NOT NULL
) STRICT;
