package main

// Main is what the test binary is when it is re-entered as daybook.
var Main = main

// Persist is tested by itself, on a clock that doesn't wait.
var (
	Persist    = persist
	ErrStopped = errStopped
)
