// Calls both services of the shop through the sidecar, each from the other world: Apache Thrift's library calls the gRPC
// service, grpc-go calls the Thrift service. Prints a line of JSON for each call. Argument: HOST:PORT of the sidecar.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/apache/thrift/lib/go/thrift"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"causeway.demo/caller/gen/shop"
	v1 "causeway.demo/caller/gen/shop/v1"
	"causeway.demo/caller/gen/shoppb"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := callOrders(ctx, os.Args[1]); err != nil {
		fail(err)
	}
	if err := callInventory(ctx, os.Args[1]); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
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

func callOrders(ctx context.Context, address string) error {
	settings := &thrift.TConfiguration{ConnectTimeout: 5 * time.Second, SocketTimeout: 10 * time.Second}
	transport := thrift.NewTFramedTransportConf(thrift.NewTSocketConf(address, settings), settings)
	if err := transport.Open(); err != nil {
		return err
	}
	defer transport.Close()
	protocol := thrift.NewTBinaryProtocolConf(transport, settings)
	client := thrift.NewTStandardClient(protocol, protocol)
	orders, vouchers := v1.NewOrdersClient(client), shop.NewVouchersClient(client)

	return errors.Join(
		report("Thrift", "Orders.Place", func() (string, error) {
			order, err := orders.Place(ctx, &v1.PlaceRequest{
				CustomerID: "go",
				Lines:      []*v1.Line{{Sku: "TEA-GREEN-100", Quantity: 2}, {Sku: "CUP-BLUE", Quantity: 1}},
				Card:       &v1.Card{Token: "tok-1", LastFourDigits: "4242"},
			})
			if err != nil {
				return "", err
			}
			total := order.Total
			return "placed, " + printed(total.Units, total.Nanos, total.Currency), nil
		}),
		report("Thrift", "Vouchers.redeem", func() (string, error) {
			_, err := vouchers.Redeem(ctx, "SPRING-2019", &shop.Money{Currency: "EUR", Units: 5})
			var expired *shop.VoucherExpired
			if !errors.As(err, &expired) {
				return "redeemed", err
			}
			return fmt.Sprintf("VoucherExpired: %s, in %d", expired.Code, time.UnixMilli(expired.ExpiredAtMs).UTC().Year()), nil
		}),
		report("Thrift", "Orders.Get", func() (string, error) {
			_, err := orders.Get(ctx, &v1.GetRequest{ID: "lost"})
			var exception thrift.TApplicationException
			if !errors.As(err, &exception) {
				return "found", err
			}
			return exception.Error(), nil
		}),
	)
}

func callInventory(ctx context.Context, address string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	inventory := shoppb.NewInventoryClient(connection)
	reserve := func(sku string, quantity int32) (*shoppb.Reservation, error) {
		result, err := inventory.Reserve(ctx, &shoppb.InventoryReserveArgs{Request: &shoppb.ReserveRequest{
			OrderId: proto.String("go"), Sku: &sku, Quantity: &quantity,
		}})
		return result.GetSuccess(), err
	}

	return errors.Join(
		report("gRPC", "Inventory.reserve", func() (string, error) {
			reservation, err := reserve("TEA-GREEN-100", 2)
			if err != nil {
				return "", err
			}
			where := reservation.GetWarehouse().String()
			if reservation.GetWarehouse() == shoppb.Warehouse_WAREHOUSE_BERLIN {
				where = "BERLIN"
			}
			total := reservation.GetTotal()
			return "reserved in " + where + ", " + printed(total.GetUnits(), total.GetNanos(), total.GetCurrency()), nil
		}),
		report("gRPC", "Inventory.reserve", func() (string, error) {
			_, err := reserve("CUP-BLUE", 50)
			for _, detail := range status.Convert(err).Details() {
				if none, ok := detail.(*shoppb.OutOfStock); ok {
					return fmt.Sprintf("OutOfStock: %s, %d left", none.GetSku(), none.GetAvailable()), nil
				}
			}
			return "reserved", err
		}),
		report("gRPC", "Inventory.search", func() (string, error) {
			_, err := inventory.Search(ctx, &shoppb.InventorySearchArgs{Request: &shoppb.ListRequest{Limit: proto.Int32(0)}})
			if err == nil {
				return "found", nil
			}
			code := map[string]string{"Unknown": "UNKNOWN", "Internal": "INTERNAL"}[status.Code(err).String()]
			return fmt.Sprintf("%s: %s", code, status.Convert(err).Message()), nil
		}),
	)
}
