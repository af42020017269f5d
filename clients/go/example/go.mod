module example.com/shop

go 1.21

require causeway.dev/causeway v0.0.0

replace causeway.dev/causeway => ../
