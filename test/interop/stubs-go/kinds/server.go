package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"causeway.dev/causeway"
	"stubs.test/gen/kinds"
)

// handler returns what it is given.
type handler struct {
	lock  sync.Mutex
	notes []string
}

func echo[T any](value T) (T, error) { return value, nil }

func (*handler) Ping(context.Context) error          { return nil }
func (*handler) Who(context.Context) (string, error) { return "the Go stub", nil }
func (*handler) Nothing(context.Context) error       { return nil }

func (*handler) EchoBool(_ context.Context, v bool) (bool, error)                     { return echo(v) }
func (*handler) EchoByte(_ context.Context, v int8) (int8, error)                     { return echo(v) }
func (*handler) EchoI16(_ context.Context, v int16) (int16, error)                    { return echo(v) }
func (*handler) EchoI32(_ context.Context, v int32) (int32, error)                    { return echo(v) }
func (*handler) EchoI64(_ context.Context, v int64) (int64, error)                    { return echo(v) }
func (*handler) EchoDouble(_ context.Context, v float64) (float64, error)             { return echo(v) }
func (*handler) EchoBinary(_ context.Context, v []byte) ([]byte, error)               { return echo(v) }
func (*handler) EchoColor(_ context.Context, v kinds.Color) (kinds.Color, error)      { return echo(v) }
func (*handler) EchoSize(_ context.Context, v kinds.Size) (kinds.Size, error)         { return echo(v) }
func (*handler) EchoList(_ context.Context, v []int32) ([]int32, error)               { return echo(v) }
func (*handler) EchoSet(_ context.Context, v []string) ([]string, error)              { return echo(v) }
func (*handler) EchoGrid(_ context.Context, v [][]string) ([][]string, error)         { return echo(v) }
func (*handler) EchoTree(_ context.Context, v *kinds.Tree) (*kinds.Tree, error)       { return echo(v) }
func (*handler) EchoLists(_ context.Context, v *kinds.Lists) (*kinds.Lists, error)    { return echo(v) }
func (*handler) EchoSets(_ context.Context, v *kinds.Sets) (*kinds.Sets, error)       { return echo(v) }
func (*handler) EchoMaps(_ context.Context, v *kinds.Maps) (*kinds.Maps, error)       { return echo(v) }
func (*handler) EchoKeyed(_ context.Context, v *kinds.Keyed) (*kinds.Keyed, error)    { return echo(v) }
func (*handler) EchoChoice(_ context.Context, v *kinds.Choice) (*kinds.Choice, error) { return echo(v) }
func (*handler) EchoNested(_ context.Context, v *kinds.Nested) (*kinds.Nested, error) { return echo(v) }
func (*handler) EchoScalars(_ context.Context, v *kinds.Scalars) (*kinds.Scalars, error) {
	return echo(v)
}
func (*handler) EchoPresence(_ context.Context, v *kinds.Presence) (*kinds.Presence, error) {
	return echo(v)
}
func (*handler) EchoChoices(_ context.Context, v *kinds.Choices) (*kinds.Choices, error) {
	return echo(v)
}
func (*handler) EchoNothing(_ context.Context, v *kinds.Nothing) (*kinds.Nothing, error) {
	return echo(v)
}
func (*handler) EchoMap(_ context.Context, v map[string]*kinds.Point) (map[string]*kinds.Point, error) {
	return echo(v)
}

func (*handler) Sum(_ context.Context, first int32, second int64, others []int32) (int64, error) {
	sum := int64(first) + second
	for _, other := range others {
		sum += int64(other)
	}
	return sum, nil
}

func refused() *kinds.Refused {
	color := kinds.ColorBlue
	return &kinds.Refused{Reason: "closed", Color: &color, Where: []*kinds.Point{{X: 1, Y: -1}, {X: 2, Y: -2}}}
}

func (*handler) Fail(_ context.Context, how kinds.Failure) (kinds.Failure, error) {
	switch how {
	case kinds.FailureNotFound:
		return 0, &kinds.NotFound{What: "shelf", ID: 9007199254740993}
	case kinds.FailureRefused:
		return 0, refused()
	case kinds.FailurePlain:
		return 0, &kinds.Plain{Message: "plainly wrong"}
	case kinds.FailureUnexpected:
		return 0, errors.New("the shelf fell over")
	}
	return how, nil
}

func (*handler) Check(_ context.Context, good bool) error {
	if good {
		return nil
	}
	return refused()
}

func (h *handler) Note(_ context.Context, text string) error {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.notes = append(h.notes, text)
	return nil
}

func (h *handler) Notes(context.Context) ([]string, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]string{}, h.notes...), nil
}

// EchoString does something else for some texts: see stub-cases.ts.
func (h *handler) EchoString(ctx context.Context, v string) (string, error) {
	if strings.HasPrefix(v, "wait ") {
		select {
		case <-ctx.Done():
			return "", errors.Join(h.Note(ctx, "ended "+v), ctx.Err())
		case <-time.After(20 * time.Second):
		}
	}
	switch v {
	case "deadline?":
		end, _ := ctx.Deadline()
		return fmt.Sprintf("%d s", (time.Until(end)+time.Second-1)/time.Second), nil
	case "metadata?":
		return strings.Join(causeway.IncomingMetadata(ctx)["x-own"], ","), nil
	}
	return v, nil
}
