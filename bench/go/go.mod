module causeway.bench/native

go 1.24

require (
	github.com/apache/thrift v0.17.0
	google.golang.org/protobuf v1.36.11
)

tool google.golang.org/protobuf/cmd/protoc-gen-go
