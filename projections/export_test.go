package projections

// OpenWith opens views of other read models, and RebuildWith makes them anew.
var (
	OpenWith    = open
	RebuildWith = rebuild
)
