// Package official holds the codec of Go stubs against Apache Thrift's and Google's: what those write, stubs read, and
// what stubs write of it those read as what it was.
package official

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"causeway.dev/causeway/wire"
	"github.com/apache/thrift/lib/go/thrift"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	apache "official.test/gen/kinds"
	"official.test/gen/kindspb"
	onProtobuf "official.test/stubs/protobuf/kinds"
	onThrift "official.test/stubs/thrift/kinds"
)

// filler gives values that differ from each other, down to a depth.
type filler struct{ next int64 }

func (f *filler) fill(v reflect.Value, depth int) {
	f.next++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.next%2 == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		if v.Type().Name() != v.Kind().String() {
			// An enum, which in Apache's library is an int64 and on the wire an i32.
			v.SetInt(f.next % 5)
			return
		}
		v.SetInt((f.next % 60) * (1 - 2*(f.next%2)) << (v.Type().Bits() - 7))
	case reflect.Float64:
		v.SetFloat(float64(f.next) / 3)
	case reflect.String:
		v.SetString(fmt.Sprintf("文本 %d", f.next))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(f.next), 0, 255})
			return
		}
		if depth <= 1 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := 0; i < v.Len(); i++ {
			f.fill(v.Index(i), depth-1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if depth <= 0 {
			return
		}
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, depth-1)
		f.fill(value, depth-1)
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		optional := depth <= 0 && v.Type().Elem().Kind() == reflect.Struct && v.Type().Elem().Name() == "Tree"
		if optional {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth-1)
	case reflect.Struct:
		if v.Type().Name() == "Choice" {
			member := int(f.next) % (v.NumField() - 1)
			f.fill(v.Field(member), depth-1)
			return
		}
		for i := 0; i < v.NumField(); i++ {
			f.fill(v.Field(i), depth-1)
		}
	}
}

func apacheBytes(t testing.TB, message thrift.TStruct) []byte {
	t.Helper()
	buffer := thrift.NewTMemoryBuffer()
	if err := message.Write(context.Background(), thrift.NewTBinaryProtocolConf(buffer, nil)); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestApachesBytesComeBackFromStubsAsTheyWere(t *testing.T) {
	for _, pair := range []struct {
		official thrift.TStruct
		ours     wire.Message
	}{
		{apache.NewScalars(), new(onThrift.Scalars)},
		{apache.NewPresence(), onThrift.NewPresence()},
		{apache.NewNested(), new(onThrift.Nested)},
		{apache.NewTree(), new(onThrift.Tree)},
		{apache.NewLists(), new(onThrift.Lists)},
		{apache.NewSets(), new(onThrift.Sets)},
		{apache.NewMaps(), new(onThrift.Maps)},
		{apache.NewChoices(), new(onThrift.Choices)},
		{apache.NewNothing(), new(onThrift.Nothing)},
		{apache.NewRefused(), new(onThrift.Refused)},
	} {
		name := reflect.TypeOf(pair.ours).Elem().Name()
		t.Run(name, func(t *testing.T) {
			(&filler{}).fill(reflect.ValueOf(pair.official).Elem(), 5)
			given := apacheBytes(t, pair.official)
			if err := wire.Unmarshal(given, pair.ours); err != nil {
				t.Fatal(err)
			}
			written, err := wire.Marshal(pair.ours)
			if err != nil {
				t.Fatal(err)
			}
			again := reflect.New(reflect.TypeOf(pair.official).Elem()).Interface().(thrift.TStruct)
			buffer := thrift.NewTMemoryBuffer()
			buffer.Write(written)
			if err := again.Read(context.Background(), thrift.NewTBinaryProtocolConf(buffer, nil)); err != nil {
				t.Fatal(err)
			}
			if got := apacheBytes(t, again); !bytes.Equal(got, given) {
				t.Fatalf("got %x\ninstead of %x", got, given)
			}
		})
	}
}

// fillProto fills a message with values that differ from each other, down to a depth.
func (f *filler) fillProto(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := 0; i < fields.Len(); i++ {
		field := fields.Get(i)
		if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() && int(f.next)%oneof.Fields().Len() != i {
			continue
		}
		switch {
		case depth <= 0 && (field.IsList() || field.IsMap() || field.Message() != nil):
		case field.IsMap():
			entries := m.Mutable(field).Map()
			value := entries.NewValue()
			if field.MapValue().Message() == nil {
				value = f.scalar(field.MapValue())
			} else {
				f.fillProto(value.Message(), depth-1)
			}
			entries.Set(f.scalar(field.MapKey()).MapKey(), value)
		case field.IsList():
			list := m.Mutable(field).List()
			for range 2 {
				if field.Message() == nil {
					list.Append(f.scalar(field))
				} else {
					f.fillProto(list.AppendMutable().Message(), depth-1)
				}
			}
		case field.Message() != nil:
			f.fillProto(m.Mutable(field).Message(), depth-1)
		default:
			m.Set(field, f.scalar(field))
		}
	}
	f.next++
}

func (f *filler) scalar(field protoreflect.FieldDescriptor) protoreflect.Value {
	f.next++
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(f.next%2 == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(1 + f.next%4))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(f.next%100) * int32(1-2*(f.next%2)))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(f.next << 40 * (1 - 2*(f.next%2)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(f.next) / 3)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("文本 %d", f.next))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{byte(f.next), 0, 255})
	}
	panic(field.Kind().String())
}

func TestGooglesBytesComeBackFromStubsAsTheyWere(t *testing.T) {
	for _, pair := range []struct {
		official proto.Message
		ours     wire.Message
	}{
		{&kindspb.Scalars{}, new(onProtobuf.Scalars)},
		{&kindspb.Presence{}, onProtobuf.NewPresence()},
		{&kindspb.Nested{}, new(onProtobuf.Nested)},
		{&kindspb.Tree{}, new(onProtobuf.Tree)},
		{&kindspb.Lists{}, new(onProtobuf.Lists)},
		{&kindspb.Sets{}, new(onProtobuf.Sets)},
		{&kindspb.Maps{}, new(onProtobuf.Maps)},
		{&kindspb.Keyed{}, new(onProtobuf.Keyed)},
		{&kindspb.Choices{}, new(onProtobuf.Choices)},
		{&kindspb.Nothing{}, new(onProtobuf.Nothing)},
		{&kindspb.Refused{}, new(onProtobuf.Refused)},
	} {
		name := reflect.TypeOf(pair.ours).Elem().Name()
		t.Run(name, func(t *testing.T) {
			(&filler{}).fillProto(pair.official.ProtoReflect(), 4)
			given, err := proto.Marshal(pair.official)
			if err != nil {
				t.Fatal(err)
			}
			if err := wire.Unmarshal(given, pair.ours); err != nil {
				t.Fatal(err)
			}
			written, err := wire.Marshal(pair.ours)
			if err != nil {
				t.Fatal(err)
			}
			again := pair.official.ProtoReflect().New().Interface()
			if err := proto.Unmarshal(written, again); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(again, pair.official) {
				t.Fatalf("got %v\ninstead of %v", again, pair.official)
			}
		})
	}
}

func TestMutatedBytesGiveErrorsAndNothingElse(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	choices := apache.NewChoices()
	(&filler{}).fill(reflect.ValueOf(choices).Elem(), 5)
	maps := apache.NewMaps()
	(&filler{}).fill(reflect.ValueOf(maps).Elem(), 5)
	_, protoBytes := protoLists()
	for _, each := range []struct {
		bytes []byte
		fresh func() wire.Message
	}{
		{apacheBytes(t, choices), func() wire.Message { return new(onThrift.Choices) }},
		{apacheBytes(t, maps), func() wire.Message { return new(onThrift.Maps) }},
		{apacheBytes(t, lists()), func() wire.Message { return new(onThrift.Lists) }},
		{protoBytes, func() wire.Message { return new(onProtobuf.Lists) }},
		{protoBytes, func() wire.Message { return new(onProtobuf.Keyed) }},
	} {
		failed := 0
		for range 20_000 {
			mutated := append([]byte(nil), each.bytes...)
			for range 1 + random.Intn(4) {
				mutated[random.Intn(len(mutated))] = byte(random.Intn(256))
			}
			if wire.Unmarshal(mutated[:random.Intn(len(mutated)+1)], each.fresh()) != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("no mutation of %T was refused", each.fresh())
		}
	}
	for _, deep := range [][]byte{bytes.Repeat([]byte{wire.Struct, 0, 3}, 100_000), bytes.Repeat([]byte{wire.List, 0, 2, wire.Struct, 0, 0, 0, 1}, 100_000)} {
		if err := wire.Unmarshal(deep, new(onThrift.Tree)); err == nil || !strings.Contains(err.Error(), "deeper") {
			t.Errorf("got %v for what nests too deep", err)
		}
	}
}

func lists() *apache.Lists {
	message := apache.NewLists()
	(&filler{}).fill(reflect.ValueOf(message).Elem(), 4)
	return message
}

func BenchmarkThriftDecodeApache(b *testing.B) {
	given := apacheBytes(b, lists())
	b.SetBytes(int64(len(given)))
	buffer := thrift.NewTMemoryBuffer()
	protocol := thrift.NewTBinaryProtocolConf(buffer, nil)
	for range b.N {
		buffer.Reset()
		buffer.Write(given)
		if err := apache.NewLists().Read(context.Background(), protocol); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThriftDecodeStub(b *testing.B) {
	given := apacheBytes(b, lists())
	b.SetBytes(int64(len(given)))
	for range b.N {
		if err := wire.Unmarshal(given, new(onThrift.Lists)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThriftEncodeApache(b *testing.B) {
	message := lists()
	b.SetBytes(int64(len(apacheBytes(b, message))))
	buffer := thrift.NewTMemoryBuffer()
	protocol := thrift.NewTBinaryProtocolConf(buffer, nil)
	for range b.N {
		buffer.Reset()
		if err := message.Write(context.Background(), protocol); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkThriftEncodeStub(b *testing.B) {
	given := apacheBytes(b, lists())
	message := new(onThrift.Lists)
	if err := wire.Unmarshal(given, message); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(given)))
	buffer := make([]byte, 0, 2*len(given))
	for range b.N {
		w := wire.NewWriter(buffer)
		message.MarshalWire(w)
		if _, err := w.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}

func protoLists() (*kindspb.Lists, []byte) {
	message := &kindspb.Lists{}
	(&filler{}).fillProto(message.ProtoReflect(), 4)
	given, _ := proto.Marshal(message)
	return message, given
}

func BenchmarkProtobufDecodeGoogle(b *testing.B) {
	_, given := protoLists()
	b.SetBytes(int64(len(given)))
	for range b.N {
		if err := proto.Unmarshal(given, &kindspb.Lists{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtobufDecodeStub(b *testing.B) {
	_, given := protoLists()
	b.SetBytes(int64(len(given)))
	for range b.N {
		if err := wire.Unmarshal(given, new(onProtobuf.Lists)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtobufEncodeGoogle(b *testing.B) {
	message, given := protoLists()
	b.SetBytes(int64(len(given)))
	buffer := make([]byte, 0, 2*len(given))
	for range b.N {
		if _, err := (proto.MarshalOptions{}).MarshalAppend(buffer, message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProtobufEncodeStub(b *testing.B) {
	_, given := protoLists()
	message := new(onProtobuf.Lists)
	if err := wire.Unmarshal(given, message); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(given)))
	buffer := make([]byte, 0, 2*len(given))
	for range b.N {
		w := wire.NewWriter(buffer)
		message.MarshalWire(w)
		if _, err := w.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
