// Package matching is what goes into a run that proposes matches, and what
// comes out. Proposals are found by workflows/matching; people decide on them.
package matching
