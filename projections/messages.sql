CREATE TABLE messages (
	key   TEXT NOT NULL PRIMARY KEY, -- the message's id
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,                   -- when it may be sent, while it waits
	body  TEXT NOT NULL
) STRICT;
