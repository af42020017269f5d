// Calls both services of the shop with stubs, each in the other world's encoding: Thrift to the gRPC service, Protobuf to the
// Thrift service. Prints a line of JSON for each call. Where the sidecar is stands in CAUSEWAY_ADDRESS.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	inventory "causeway.demo/stub/gen/protobuf/shop"
	orders "causeway.demo/stub/gen/thrift/example.com/shop/v1"
	vouchers "causeway.demo/stub/gen/thrift/shop"
)

const (
	thrift   = "stub, Thrift"
	protobuf = "stub, Protobuf"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := errors.Join(callOrders(ctx), callVouchers(ctx), findNoOrder(ctx), callInventory(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// report makes a call, and prints what came of it and how long it took.
func report(over, call string, run func() (string, error)) error {
	start := time.Now()
	answer, err := run()
	elapsed := time.Since(start)
	if err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"over": over, "call": call, "answer": answer, "ms": elapsed.Seconds() * 1000,
	})
}

func printed(units int64, nanos int32, currency string) string {
	return fmt.Sprintf("%d.%02d %s", units, nanos/10_000_000, currency)
}

func callOrders(ctx context.Context) error {
	return report(thrift, "Orders.Place", func() (string, error) {
		order, err := orders.NewOrdersClient(nil).Place(ctx, &orders.PlaceRequest{
			CustomerID: "go",
			Lines:      []*orders.Line{{Sku: "TEA-GREEN-100", Quantity: 2}, {Sku: "CUP-BLUE", Quantity: 1}},
			Payment:    orders.PlaceRequestCard{Value: &orders.Card{Token: "tok-1", LastFourDigits: "4242"}},
		})
		if err != nil {
			return "", err
		}
		total := order.Total
		return "placed, " + printed(total.Units, total.Nanos, total.Currency), nil
	})
}

func callVouchers(ctx context.Context) error {
	return report(thrift, "Vouchers.redeem", func() (string, error) {
		_, err := vouchers.NewVouchersClient(nil).Redeem(ctx, "SPRING-2019", &vouchers.Money{Currency: "EUR", Units: 5})
		var expired *vouchers.VoucherExpired
		if !errors.As(err, &expired) {
			return "redeemed", err
		}
		return fmt.Sprintf("VoucherExpired: %s, in %d", expired.Code, time.UnixMilli(expired.ExpiredAtMs).UTC().Year()), nil
	})
}

func findNoOrder(ctx context.Context) error {
	return report(thrift, "Orders.Get", func() (string, error) {
		_, err := orders.NewOrdersClient(nil).Get(ctx, &orders.GetRequest{ID: "lost"})
		return textOf(err), nil
	})
}

func callInventory(ctx context.Context) error {
	client := inventory.NewInventoryClient(nil)
	reserve := func(sku string, quantity int32) (*inventory.Reservation, error) {
		return client.Reserve(ctx, &inventory.ReserveRequest{OrderID: "go", Sku: sku, Quantity: quantity})
	}
	return errors.Join(
		report(protobuf, "Inventory.reserve", func() (string, error) {
			reservation, err := reserve("TEA-GREEN-100", 2)
			if err != nil {
				return "", err
			}
			total := reservation.Total
			return fmt.Sprintf("reserved in %v, %s", reservation.Warehouse, printed(total.Units, total.Nanos, total.Currency)), nil
		}),
		report(protobuf, "Inventory.reserve", func() (string, error) {
			_, err := reserve("CUP-BLUE", 50)
			var none *inventory.OutOfStock
			if !errors.As(err, &none) {
				return "reserved", err
			}
			return fmt.Sprintf("OutOfStock: %s, %d left", none.Sku, none.Available), nil
		}),
		report(protobuf, "Inventory.search", func() (string, error) {
			_, err := client.Search(ctx, &inventory.ListRequest{Limit: 0})
			return textOf(err), nil
		}),
	)
}

func textOf(err error) string {
	if err == nil {
		return "found"
	}
	return err.Error()
}
