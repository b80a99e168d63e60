CREATE TABLE queue (
	key   TEXT NOT NULL PRIMARY KEY, -- the stream: the clock waits for one thing in each
	cycle TEXT NOT NULL,             -- "cycle" or, for drafts, "cycle.call"
	phase TEXT NOT NULL,             -- the command
	due   INTEGER,                   -- NULL: not known yet, or not the clock's to do
	body  TEXT NOT NULL
) STRICT;

CREATE INDEX queue_by_cycle ON queue (cycle, phase);
CREATE INDEX queue_by_due ON queue (due, key) WHERE due IS NOT NULL;

CREATE TABLE queue_application (
	key   TEXT NOT NULL PRIMARY KEY, -- the stream
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,             -- whose it is
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE INDEX queue_application_by_cycle ON queue_application (cycle);   -- for closings and moves, and
CREATE INDEX queue_application_by_person ON queue_application (phase); -- for erasures, from their start

CREATE TABLE queue_call (
	key   TEXT NOT NULL PRIMARY KEY, -- "cycle.call"
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE TABLE queue_cycle (
	key   TEXT NOT NULL PRIMARY KEY,
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE TABLE queue_definition (
	key   TEXT NOT NULL PRIMARY KEY,
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE TABLE queue_task (
	key   TEXT NOT NULL PRIMARY KEY, -- the task's id
	cycle TEXT NOT NULL,
	phase TEXT NOT NULL,             -- of a task that is open and follows a deadline: open, and its call
	due   INTEGER,
	body  TEXT NOT NULL
) STRICT;

CREATE INDEX queue_task_by_cycle ON queue_task (cycle, phase);
