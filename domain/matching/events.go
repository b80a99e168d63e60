package matching

// The structs below, and those of an input and a result, are stored for ever.
// Add optional fields freely; for any other change, see package schema.

// Proposed is matching.proposed. The input is kept whole, in its canonical
// form, so that anybody can run it again and compare to the byte. It is one
// event, and so no more than the store takes at once: some two thousand people
// with a few facts and factors, where each counts about 400 bytes.
type Proposed struct {
	Run    string `json:"run"`
	Input  Input  `json:"input"`
	Result Result `json:"result"`
}
