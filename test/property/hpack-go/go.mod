module causeway.test/hpack

go 1.24

require golang.org/x/net v0.41.0
