// Runs named cases one after the other and prints one line of JSON for each, for the test that started this program.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type outcome struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

type testCase struct {
	name string
	run  func() error
}

func report(cases []testCase) {
	lines := json.NewEncoder(os.Stdout)
	for _, c := range cases {
		result := outcome{Name: c.name, OK: true}
		if err := attempt(c.run); err != nil {
			result.OK, result.Detail = false, err.Error()
		}
		if err := lines.Encode(result); err != nil {
			fail(err)
		}
	}
}

// attempt makes an error of a panic, so that one broken case does not hide the others.
func attempt(run func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return run()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
