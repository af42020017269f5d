namespace * google.protobuf

struct Timestamp {
  1: i64 seconds
  2: i32 nanos
} (pb.requiredness = "implicit")
