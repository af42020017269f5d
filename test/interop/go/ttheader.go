package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/thrift/lib/go/thrift"
	"github.com/cloudwego/gopkg/bufiox"
	"github.com/cloudwego/gopkg/protocol/ttheader"
)

// ttheaderTransport carries each message in a frame that Kitex's own package for TTHeader writes and reads.
type ttheaderTransport struct {
	thrift.TTransport
	caller  bool
	reader  *bufiox.DefaultReader
	frame   bytes.Buffer
	written bytes.Buffer
}

func newTTHeaderTransport(below thrift.TTransport, caller bool) *ttheaderTransport {
	return &ttheaderTransport{TTransport: below, caller: caller, reader: bufiox.NewDefaultReader(below)}
}

func (t *ttheaderTransport) Write(piece []byte) (int, error) { return t.written.Write(piece) }
func (t *ttheaderTransport) RemainingBytes() uint64          { return uint64(t.frame.Len()) }

func (t *ttheaderTransport) Flush(ctx context.Context) error {
	message := t.written.Bytes()
	name, sequenceID := envelope(message)
	parameters := ttheader.EncodeParam{SeqID: sequenceID}
	if t.caller {
		parameters.IntInfo = map[uint16]string{ttheader.ToMethod: name, ttheader.RPCTimeout: "5000"}
		parameters.StrInfo = map[string]string{ttheader.HeaderIDLServiceName: "Kinds", "tenant": "go"}
	}
	frame, err := ttheader.EncodeToBytes(ctx, parameters)
	if err != nil {
		return err
	}
	frame = append(frame, message...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	t.written.Reset()
	if _, err := t.TTransport.Write(frame); err != nil {
		return err
	}
	return t.TTransport.Flush(ctx)
}

func (t *ttheaderTransport) Read(into []byte) (int, error) {
	if t.frame.Len() == 0 {
		if err := t.readFrame(); err != nil {
			return 0, thrift.NewTTransportExceptionFromError(err)
		}
	}
	return t.frame.Read(into)
}

func (t *ttheaderTransport) readFrame() error {
	parameters, err := ttheader.Decode(context.Background(), t.reader)
	if err != nil {
		return err
	}
	message := make([]byte, parameters.PayloadLen)
	if _, err := io.ReadFull(bufferedReader{t.reader}, message); err != nil {
		return err
	}
	if err := t.reader.Release(nil); err != nil {
		return err
	}
	name, sequenceID := envelope(message)
	if parameters.SeqID != sequenceID {
		return fmt.Errorf("frame %d holds message %d", parameters.SeqID, sequenceID)
	}
	if !t.caller {
		if method := parameters.IntInfo[ttheader.ToMethod]; method != name {
			return fmt.Errorf("the frame of %s says %q", name, method)
		}
		if service := parameters.StrInfo[ttheader.HeaderIDLServiceName]; service != "Kinds" {
			return fmt.Errorf("the frame says the service %q", service)
		}
		if parameters.IntInfo[ttheader.RPCTimeout] == "" {
			return fmt.Errorf("the frame says no timeout")
		}
	}
	t.frame.Write(message)
	return nil
}

type bufferedReader struct{ *bufiox.DefaultReader }

func (r bufferedReader) Read(into []byte) (int, error) { return r.ReadBinary(into) }

// envelope gives the name and the sequence id of a strict binary message.
func envelope(message []byte) (string, int32) {
	end := 8 + binary.BigEndian.Uint32(message[4:])
	return string(message[8:end]), int32(binary.BigEndian.Uint32(message[end:]))
}

type ttheaderFactory struct{}

func (ttheaderFactory) GetTransport(below thrift.TTransport) (thrift.TTransport, error) {
	return newTTHeaderTransport(below, false), nil
}
