module causeway.demo/stub

go 1.21

require causeway.dev/causeway v0.0.0
