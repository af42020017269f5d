package main

import (
	"io"
	"net"
	"net/http"
)

// echoHTTP1 answers each call of echo that comes over HTTP/1.1 with its reply.
func echoHTTP1(listener net.Listener) {
	check(http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		message, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxFrame))
		if err != nil || !turn(message) {
			http.Error(response, "no call of echo", http.StatusBadRequest)
			return
		}
		response.Header().Set("Content-Type", "application/x-thrift")
		_, _ = response.Write(message)
	})))
}
