// Package domain is what every aggregate shares: refusals, people, private
// text. The rules themselves are in the packages below it, one per aggregate,
// always the same files: the identity in the file named as the package,
// events.go (what is stored, for ever), state.go (what the rules remember),
// decide.go (commands and refusals) and a table test.
//
// Everything here is pure: no clock, no randomness, no input or output. A
// command's Decide(State, now) answers with new facts, with none when it is
// already so, or with a refusal; an event's evolve cannot fail.
package domain

// A Person is the random id of somebody in a register (a UUID as text). It is
// never a name, a handle or an e-mail address; those are Private.
type Person string

// A Digest is the SHA-256 of a document kept elsewhere (a proof, a form, a
// set of commitments), base64url without padding.
type Digest string
