package main

import (
	"bufio"
	"fmt"
	"net"
	"sync"
)

// holdIdle opens connections that have been greeted, or have made one call, and says when they are all there.
func holdIdle(address, wire string, connections int) {
	var wait sync.WaitGroup
	turns := make(chan struct{}, 64)
	open := make([]net.Conn, connections)
	for i := range connections {
		turns <- struct{}{}
		wait.Go(func() {
			open[i] = idle(address, wire)
			<-turns
		})
	}
	wait.Wait()
	fmt.Println("idle")
	waitForEnd()
}

func idle(address, kind string) net.Conn {
	connection, err := net.Dial("tcp", address)
	check(err)
	if kind == "http2" {
		w := newWire(connection)
		w.in = bufio.NewReaderSize(connection, 512)
		w.out.WriteString(preface)
		w.greet()
		buffer := make([]byte, frameBytes)
		for greeted := false; !greeted; {
			frame, flags, _, payload, err := w.next(buffer)
			check(err)
			if greeted = frame == frameSettings && flags&flagAck == 0; greeted {
				w.settings(flags, payload)
				check(w.out.Flush())
			}
		}
		return connection
	}
	in, out := bufio.NewReaderSize(connection, 512), bufio.NewWriterSize(connection, 512)
	writeFrame(out, message(140))
	check(out.Flush())
	_, err = readFrame(in, nil)
	check(err)
	return connection
}
