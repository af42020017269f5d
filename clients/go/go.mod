module causeway.dev/causeway

go 1.21
