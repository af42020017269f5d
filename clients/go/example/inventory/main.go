// Command inventory serves shop.Inventory for the sidecar, until SIGTERM.
package main

import (
	"context"
	"fmt"
	"os"

	"causeway.dev/causeway"
	"example.com/shop/gen/shop"
)

type inventory struct{}

func (inventory) Ping(context.Context) error { return nil }

func (inventory) Get(_ context.Context, sku string) (*shop.Item, error) {
	if sku != "TEA-GREEN-100" {
		return nil, &shop.UnknownItem{Sku: sku}
	}
	return &shop.Item{Sku: sku, Title: "Green tea", Price: &shop.Money{Currency: "EUR", Units: 12, Nanos: 500_000_000}}, nil
}

func (i inventory) Search(ctx context.Context, _ *shop.ListRequest) ([]*shop.Item, error) {
	item, err := i.Get(ctx, "TEA-GREEN-100")
	return []*shop.Item{item}, err
}

func (inventory) Reserve(_ context.Context, request *shop.ReserveRequest) (*shop.Reservation, error) {
	return nil, &shop.OutOfStock{Sku: request.Sku, Requested: request.Quantity, Available: 3}
}

func (inventory) Audit(_ context.Context, orderID, line string) error {
	fmt.Println(orderID, line)
	return nil
}

func main() {
	server := causeway.NewServer()
	shop.RegisterInventory(server, inventory{})
	if err := server.Run(context.Background(), "127.0.0.1:7431"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
