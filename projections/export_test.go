package projections

// OpenWith opens views of other read models.
var OpenWith = open
