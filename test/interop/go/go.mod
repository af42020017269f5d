module causeway.test/kinds

go 1.24

require (
	github.com/apache/thrift v0.17.0
	github.com/cloudwego/gopkg v0.1.3
	google.golang.org/grpc v1.75.1
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/bytedance/gopkg v0.1.1 // indirect
	golang.org/x/net v0.41.0 // indirect
	golang.org/x/sys v0.33.0 // indirect
	golang.org/x/text v0.26.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250707201910-8d1bb00bc6a7 // indirect
)

tool google.golang.org/protobuf/cmd/protoc-gen-go
