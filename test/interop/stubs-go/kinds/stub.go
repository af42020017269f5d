package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"causeway.dev/causeway"
	"stubs.test/gen/kinds"
)

// stubCases are those of stub-cases.ts before a server in a language.
func stubCases(c *kinds.KindsClient, server string) []testCase {
	ctx := context.Background()
	unique := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	cases := []testCase{
		{"echoBinary: 5 MB", returns(c.EchoBinary, bytes.Repeat([]byte("causeway.."), 500_000))},
		{"echoString: a deadline ends the call", func() error {
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			if _, err := c.EchoString(short, "wait "+unique+"-d"); causeway.CodeOf(err) != causeway.DeadlineExceeded {
				return fmt.Errorf("not DEADLINE_EXCEEDED: %w", err)
			}
			return nil
		}},
		{"echoString: a deadline travels", func() error {
			long, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			got, err := c.EchoString(long, "deadline?")
			if err == nil && got != "20 s" {
				err = fmt.Errorf("got %q", got)
			}
			return err
		}},
		{"echoString: metadata travels", func() error {
			got, err := c.EchoString(causeway.WithMetadata(ctx, "x-own", "kept"), "metadata?")
			if err == nil && got != "kept" {
				err = fmt.Errorf("got %q", got)
			}
			return err
		}},
	}
	if server == "php" {
		return cases
	}
	return append(cases, testCase{"echoString: cancellation travels", func() error {
		cancelled, cancel := context.WithCancel(ctx)
		time.AfterFunc(200*time.Millisecond, cancel)
		if _, err := c.EchoString(cancelled, "wait "+unique+"-c"); causeway.CodeOf(err) != causeway.Canceled {
			return fmt.Errorf("not CANCELLED: %w", err)
		}
		return eventually(c, "ended wait "+unique+"-c")
	}})
}
