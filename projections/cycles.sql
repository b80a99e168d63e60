CREATE TABLE cycles (
	key   TEXT NOT NULL PRIMARY KEY, -- the cycle
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE TABLE cycles_definition (
	key   TEXT NOT NULL PRIMARY KEY, -- its hash
	cycle TEXT NOT NULL,             -- the programme
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;
