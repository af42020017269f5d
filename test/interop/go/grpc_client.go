package main

func grpcClient(address string) {}
