CREATE TABLE places (
	key   TEXT NOT NULL PRIMARY KEY,
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE INDEX places_cycle ON places (cycle, phase);

CREATE TABLE places_programme (
	key   TEXT NOT NULL PRIMARY KEY, -- the programme
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;
