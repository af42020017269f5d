package main

import "sync"

// atomicText is a text that several goroutines use.
type atomicText struct {
	mu   sync.Mutex
	text string
}

func (t *atomicText) set(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = text
}

func (t *atomicText) get() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text
}
