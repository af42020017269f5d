import causeway.Channel;
import causeway.DeclaredException;
import causeway.RpcException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import stub.protobuf.com.example.shop.InventoryClient;
import stub.protobuf.com.example.shop.ListRequest;
import stub.protobuf.com.example.shop.OutOfStock;
import stub.protobuf.com.example.shop.Reservation;
import stub.protobuf.com.example.shop.ReserveRequest;
import stub.thrift.com.example.shop.Money;
import stub.thrift.com.example.shop.VoucherExpired;
import stub.thrift.com.example.shop.VouchersClient;
import stub.thrift.com.example.shop.v1.Card;
import stub.thrift.com.example.shop.v1.GetRequest;
import stub.thrift.com.example.shop.v1.Line;
import stub.thrift.com.example.shop.v1.OrdersClient;
import stub.thrift.com.example.shop.v1.PlaceRequest;

/**
 * Calls both services of the shop with stubs, each in the other world's encoding: Thrift to the gRPC service, Protobuf to
 * the Thrift service. Prints a line of JSON for each call. Where the sidecar is stands in CAUSEWAY_ADDRESS.
 */
public final class Caller {
  private static final String THRIFT = "stub, Thrift";
  private static final String PROTOBUF = "stub, Protobuf";

  private Caller() {}

  public static void main(String[] arguments) throws Exception {
    try (Channel channel = Channel.open()) {
      OrdersClient orders = new OrdersClient(channel);
      report(THRIFT, "Orders.Place", () -> place(orders));
      report(THRIFT, "Vouchers.redeem", () -> redeem(new VouchersClient(channel)));
      report(THRIFT, "Orders.Get", () -> orders.get(GetRequest.builder().id("lost").build()).id());

      InventoryClient inventory = new InventoryClient(channel);
      report(PROTOBUF, "Inventory.reserve", () -> reserve(inventory, "TEA-GREEN-100", 2));
      report(PROTOBUF, "Inventory.reserve", () -> reserve(inventory, "CUP-BLUE", 50));
      report(
          PROTOBUF,
          "Inventory.search",
          () -> "found " + inventory.search(ListRequest.builder().tags(Set.of()).limit(0).build()).size());
    }
  }

  private interface Call {
    String run() throws DeclaredException;
  }

  /** Makes a call, and prints what came of it and how long it took. */
  private static void report(String over, String call, Call run) throws DeclaredException {
    long start = System.nanoTime();
    String answer;
    try {
      answer = run.run();
    } catch (RpcException failure) {
      answer = failure.code() + ": " + failure.getMessage();
    }
    double ms = (System.nanoTime() - start) / 1e6;
    String quoted = answer.replace("\\", "\\\\").replace("\"", "\\\"");
    System.out.printf(
        Locale.ROOT, "{\"over\":\"%s\",\"call\":\"%s\",\"answer\":\"%s\",\"ms\":%f}%n", over, call, quoted, ms);
  }

  private static String printed(long units, int nanos, String currency) {
    return String.format(Locale.ROOT, "%d.%02d %s", units, nanos / 10_000_000, currency);
  }

  private static String place(OrdersClient orders) {
    PlaceRequest request =
        PlaceRequest.builder()
            .customerId("java")
            .lines(List.of(line("TEA-GREEN-100", 2), line("CUP-BLUE", 1)))
            .payment(new PlaceRequest.Payment.Card(new Card("tok-1", "4242")))
            .build();
    stub.thrift.com.example.shop.v1.Money total = orders.place(request).total();
    return "placed, " + printed(total.units(), total.nanos(), total.currency());
  }

  private static Line line(String sku, int quantity) {
    return Line.builder().sku(sku).quantity(quantity).build();
  }

  private static String redeem(VouchersClient vouchers) throws DeclaredException {
    try {
      vouchers.redeem("SPRING-2019", new Money("EUR", 5, 0));
      return "redeemed";
    } catch (VoucherExpired expired) {
      int year = Instant.ofEpochMilli(expired.expiredAtMs()).atZone(ZoneOffset.UTC).getYear();
      return "VoucherExpired: " + expired.code_() + ", in " + year;
    }
  }

  private static String reserve(InventoryClient inventory, String sku, int quantity) throws DeclaredException {
    try {
      Reservation reservation =
          inventory.reserve(ReserveRequest.builder().orderId("java").sku(sku).quantity(quantity).build());
      stub.protobuf.com.example.shop.Money total = reservation.total();
      String price = printed(total.units(), total.nanos(), total.currency());
      return "reserved in " + reservation.warehouse() + ", " + price;
    } catch (OutOfStock none) {
      return "OutOfStock: " + none.sku() + ", " + none.available() + " left";
    }
  }
}
