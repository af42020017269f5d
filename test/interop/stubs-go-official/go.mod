module official.test

go 1.24

require (
	causeway.dev/causeway v0.0.0
	github.com/apache/thrift v0.17.0
	google.golang.org/protobuf v1.36.11
)

replace causeway.dev/causeway => ../../../clients/go

tool google.golang.org/protobuf/cmd/protoc-gen-go
