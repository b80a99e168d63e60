package matching

// The structs below, and those of an input and a result, are stored for ever.
// Add optional fields freely; for any other change, see package schema.

// Proposed is matching.proposed. The input is kept whole, in its canonical
// form, so that anybody can run it again and compare to the byte. It is one
// event, and so no more than the store takes at once: an input for which that
// may not be enough is refused. With a few facts and factors there is room for
// some two thousand people.
type Proposed struct {
	Run    string `json:"run"`
	Input  Input  `json:"input"`
	Result Result `json:"result"`
}
