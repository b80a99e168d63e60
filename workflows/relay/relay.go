// Package relay tells the world outside of what is recorded. The log is the
// outbox: a Watermill Subscriber follows it from a checkpoint.
package relay
