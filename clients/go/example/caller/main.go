// Command caller asks the inventory for tea, and for more of it than there is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"example.com/shop/gen/shop"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	inventory := shop.NewInventoryClient(nil)
	item, err := inventory.Get(ctx, "TEA-GREEN-100")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d.%02d %s\n", item.Title, item.Price.Units, item.Price.Nanos/10_000_000, item.Price.Currency)

	_, err = inventory.Reserve(ctx, &shop.ReserveRequest{OrderID: "1", Sku: item.Sku, Quantity: 1_000})
	var outOfStock *shop.OutOfStock
	if errors.As(err, &outOfStock) {
		fmt.Printf("out of stock: %d left of %s\n", outOfStock.Available, outOfStock.Sku)
	}
}
