package projections

import "github.com/daybook-engine/daybook/domain/schema"

// OpenWith opens views of other read models.
var OpenWith = open

// DecodeFast is the decoding of envelopes that may leave one to encoding/json.
func DecodeFast(metadata []byte) (schema.Envelope, bool) { return new(envelopes).decode(metadata) }
