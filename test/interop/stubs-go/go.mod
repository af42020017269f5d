module stubs.test

go 1.21

require causeway.dev/causeway v0.0.0

replace causeway.dev/causeway => ../../../clients/go
