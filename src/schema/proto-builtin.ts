// The well-known types that every .proto file may import without having them: the common ones, as protobuf.dev/reference/
// protobuf/google.protobuf lists them. The rarer ones (descriptor, api, type, source_context) come with protobufjs.

const HEAD = 'syntax = "proto3"; package google.protobuf;';

/** Their text, without comments, by the path that imports name. */
export const BUILTIN_PROTOS: ReadonlyMap<string, string> = new Map([
  ["google/protobuf/any.proto", `${HEAD} message Any { string type_url = 1; bytes value = 2; }`],
  ["google/protobuf/duration.proto", `${HEAD} message Duration { int64 seconds = 1; int32 nanos = 2; }`],
  ["google/protobuf/empty.proto", `${HEAD} message Empty {}`],
  ["google/protobuf/field_mask.proto", `${HEAD} message FieldMask { repeated string paths = 1; }`],
  [
    "google/protobuf/struct.proto",
    `${HEAD}
    message Struct { map<string, Value> fields = 1; }
    message Value {
      oneof kind {
        NullValue null_value = 1;
        double number_value = 2;
        string string_value = 3;
        bool bool_value = 4;
        Struct struct_value = 5;
        ListValue list_value = 6;
      }
    }
    enum NullValue { NULL_VALUE = 0; }
    message ListValue { repeated Value values = 1; }`,
  ],
  ["google/protobuf/timestamp.proto", `${HEAD} message Timestamp { int64 seconds = 1; int32 nanos = 2; }`],
  [
    "google/protobuf/wrappers.proto",
    `${HEAD}
    message DoubleValue { double value = 1; }
    message FloatValue { float value = 1; }
    message Int64Value { int64 value = 1; }
    message UInt64Value { uint64 value = 1; }
    message Int32Value { int32 value = 1; }
    message UInt32Value { uint32 value = 1; }
    message BoolValue { bool value = 1; }
    message StringValue { string value = 1; }
    message BytesValue { bytes value = 1; }`,
  ],
]);

/** The well-known files that protobufjs's package holds in its own folder of that name. */
export const PACKAGED_PROTOS: ReadonlySet<string> = new Set(
  ["api", "descriptor", "source_context", "type"].map((name) => `google/protobuf/${name}.proto`),
);
