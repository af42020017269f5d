package causeway

import (
	"context"
	"strings"
)

// Metadata is what travels beside a message: keys in lower case, each with its values in order. Values of keys that end
// in "-bin" are base64.
type Metadata map[string][]string

// Get gives the first value of a key, or "".
func (m Metadata) Get(key string) string {
	if values := m[strings.ToLower(key)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Add adds a value to a key.
func (m Metadata) Add(key, value string) {
	key = strings.ToLower(key)
	m[key] = append(m[key], value)
}

type contextKey int

const (
	outgoingKey contextKey = iota
	incomingKey
	replyKey
	captureKey
)

// WithMetadata returns a context whose calls carry these pairs of keys and values beside those that it carries already.
func WithMetadata(ctx context.Context, pairs ...string) context.Context {
	before, _ := ctx.Value(outgoingKey).([]string)
	return context.WithValue(ctx, outgoingKey, append(before[:len(before):len(before)], pairs[:len(pairs)&^1]...))
}

// IncomingMetadata gives what came beside the call that is being served.
func IncomingMetadata(ctx context.Context) Metadata {
	metadata, _ := ctx.Value(incomingKey).(Metadata)
	return metadata
}

// Reply is what came, or is to be sent, beside an answer.
type Reply struct {
	Headers  Metadata
	Trailers Metadata
}

// WithReply returns a context whose next call fills in reply.
func WithReply(ctx context.Context, reply *Reply) context.Context {
	return context.WithValue(ctx, captureKey, reply)
}

// ReplyOf gives what is sent beside the answer to the call that is being served, to be added to.
func ReplyOf(ctx context.Context) *Reply {
	reply, _ := ctx.Value(replyKey).(*Reply)
	return reply
}

// requestPairs adds the metadata of a call: what the caller set, and the trace of the call that is being served, which those
// that it makes are part of unless the caller says otherwise.
func requestPairs(ctx context.Context, pairs []string) []string {
	sent, _ := ctx.Value(outgoingKey).([]string)
	traced := false
	for i := 0; i < len(sent); i += 2 {
		key := strings.ToLower(sent[i])
		traced = traced || key == traceKeys[0]
		if !isOwn(key) {
			pairs = append(pairs, key, sent[i+1])
		}
	}
	if traced {
		return pairs
	}
	incoming := IncomingMetadata(ctx)
	for _, key := range traceKeys {
		for _, value := range incoming[key] {
			pairs = append(pairs, key, value)
		}
	}
	return pairs
}

// traceKeys are W3C's trace context.
var traceKeys = [...]string{"traceparent", "tracestate"}

func appendPairs(pairs []string, prefix string, metadata Metadata) []string {
	for key, values := range metadata {
		if isOwn(key) {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, prefix+key, value)
		}
	}
	return pairs
}

// isOwn tells the keys that belong to the wire.
func isOwn(key string) bool {
	return key == "" || key == "cw" || strings.HasPrefix(key, "cw-") || key == "isn" || key == "crrst"
}
