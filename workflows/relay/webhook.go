package relay

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
)

// refused is a target's answer that no repetition will change.
type refused struct {
	error
	gone bool // it wants nothing any more
}

// webhook is a Watermill message.Publisher that posts each message to the
// topic, a URL, signed as Standard Webhooks 1.0.0 has it.
type webhook struct {
	key    []byte // 24 to 64 bytes
	now    func() time.Time
	client *http.Client
}

// newWebhook makes a webhook. Twenty seconds is within what Standard Webhooks
// (Request timeouts) gives an endpoint.
func newWebhook(key []byte, now func() time.Time) *webhook {
	return &webhook{key, now, &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Publish posts the messages one by one. Only an answer of 2xx is success
// (Standard Webhooks, Delivery success and failure).
func (w *webhook) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		if err := w.post(topic, m); err != nil {
			return err
		}
	}
	return nil
}

func (w *webhook) post(address string, m *message.Message) error {
	request, err := http.NewRequestWithContext(m.Context(), http.MethodPost, address, bytes.NewReader(m.Payload))
	if err != nil {
		return err
	}
	at := w.now().Unix()
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("User-Agent", "daybook")
	request.Header.Set("webhook-id", m.UUID)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(at, 10))
	request.Header.Set("webhook-signature", sign(w.key, m.UUID, at, m.Payload))
	response, err := w.client.Do(request)
	if at := new(url.Error); errors.As(err, &at) {
		return at.Err // without the address, which may be part of a secret
	} else if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 1<<16) // so that the connection can be used again
	return answered(response)
}

// answered judges an answer: whoever is busy or broken is asked again for as
// long as it takes, whoever says no is not.
func answered(r *http.Response) error {
	err := fmt.Errorf("it answered %s", r.Status)
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return err
	default:
		return refused{err, code == http.StatusGone}
	}
}

// sign gives a webhook-signature: "v1," and the base64 of HMAC-SHA256 over id,
// time in seconds and body, joined by full stops (Standard Webhooks,
// Signature scheme).
func sign(key []byte, id string, at int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (w *webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}
