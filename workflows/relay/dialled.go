package relay

import (
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// dialled is a Publisher whose connection is made when there is something to
// say, and made anew after an error. A stock publisher connects when it is
// made, which would keep the relay from starting while a broker is away, and
// tries again by itself, while the relay's wait should be the only one.
type dialled struct {
	dial func() (message.Publisher, error)

	mu   sync.Mutex
	line message.Publisher // nil while there is none
}

// Publish returns when the broker has every message.
func (d *dialled) Publish(topic string, messages ...*message.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		line, err := d.dial()
		if err != nil {
			return err
		}
		d.line = line
	}
	err := d.line.Publish(topic, messages...)
	if err != nil {
		_ = d.line.Close()
		d.line = nil
	}
	return err
}

// Close ends the connection, if there is one.
func (d *dialled) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.line == nil {
		return nil
	}
	err := d.line.Close()
	d.line = nil
	return err
}
