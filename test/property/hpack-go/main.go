// HPACK by golang.org/x/net, for comparison. It reads one JSON object a line and writes one line each:
// {"resize":N} changes the tables of both directions, {"decode":HEX} gives the list of a block, {"encode":[name,value,…]}
// gives a block. All lines belong to one connection.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"

	"golang.org/x/net/http2/hpack"
)

type command struct {
	Resize *uint32  `json:"resize"`
	Decode *string  `json:"decode"`
	Encode []string `json:"encode"`
}

type answer struct {
	Error string   `json:"error,omitempty"`
	List  []string `json:"list,omitempty"`
	Block string   `json:"block,omitempty"`
}

// latin1 makes a string of one character a byte, because JSON has no bytes.
func latin1(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

func bytesOf(text string) string {
	var out []byte
	for _, char := range text {
		out = append(out, byte(char))
	}
	return string(out)
}

func main() {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	decoder := hpack.NewDecoder(4096, nil)
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for scanner.Scan() {
		var order command
		if err := json.Unmarshal(scanner.Bytes(), &order); err != nil {
			panic(err)
		}
		var reply answer
		switch {
		case order.Resize != nil:
			encoder.SetMaxDynamicTableSizeLimit(*order.Resize)
			encoder.SetMaxDynamicTableSize(*order.Resize)
			decoder.SetAllowedMaxDynamicTableSize(*order.Resize)
		case order.Decode != nil:
			data, _ := hex.DecodeString(*order.Decode)
			fields, err := decoder.DecodeFull(data)
			if err != nil {
				reply.Error = err.Error()
			}
			for _, field := range fields {
				reply.List = append(reply.List, latin1(field.Name), latin1(field.Value))
			}
		default:
			block.Reset()
			for i := 0; i < len(order.Encode); i += 2 {
				field := hpack.HeaderField{Name: bytesOf(order.Encode[i]), Value: bytesOf(order.Encode[i+1])}
				field.Sensitive = field.Name == "secret"
				if err := encoder.WriteField(field); err != nil {
					reply.Error = err.Error()
				}
			}
			reply.Block = hex.EncodeToString(block.Bytes())
		}
		if err := out.Encode(reply); err != nil {
			panic(err)
		}
	}
}
