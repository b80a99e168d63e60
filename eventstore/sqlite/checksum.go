package sqlite

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/google/uuid"
)

// A checksummer sums events up: each field that has no fixed length behind
// its length, so that no two events are summed from the same bytes. The
// position is left out: it belongs to the log and not to the fact.
//
// It is CRC-32C, which processors compute faster than memory is read, so that
// every read can afford it. It tells bits that fell over and hands that slip;
// who alters an event on purpose can sum it up again, and is found by what is
// kept outside the store.
type checksummer struct{ buf []byte }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *checksummer) sum(stream string, revision uint64, id uuid.UUID, name string, metadata, data []byte) int64 {
	b := binary.BigEndian.AppendUint64(c.buf[:0], uint64(len(stream)))
	b = append(b, stream...)
	b = binary.BigEndian.AppendUint64(b, revision)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(metadata)))
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	c.buf = b
	sum := crc32.Checksum(b, castagnoli)
	sum = crc32.Update(sum, castagnoli, metadata)
	return int64(crc32.Update(sum, castagnoli, data))
}
