package caller;

import com.example.shop.Money;
import com.example.shop.VoucherExpired;
import com.example.shop.Vouchers;
import com.google.protobuf.Any;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TException;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.layered.TFramedTransport;
import shop.InventoryGrpc;
import shop.InventoryOuterClass.Inventory_reserve_args;
import shop.InventoryOuterClass.Inventory_search_args;
import shop.InventoryOuterClass.ListRequest;
import shop.InventoryOuterClass.OutOfStock;
import shop.InventoryOuterClass.Reservation;
import shop.InventoryOuterClass.ReserveRequest;
import shop.InventoryOuterClass.Warehouse;
import shop.v1.Card;
import shop.v1.GetRequest;
import shop.v1.Line;
import shop.v1.Orders;
import shop.v1.PlaceRequest;

/**
 * Calls both services of the shop through the sidecar, each from the other world: Apache Thrift's library calls the gRPC
 * service, grpc-java calls the Thrift service. Prints a line of JSON for each call. Arguments: HOST PORT of the sidecar.
 */
public final class Caller {
  private Caller() {}

  public static void main(String[] arguments) throws Exception {
    String host = arguments[0];
    int port = Integer.parseInt(arguments[1]);
    callOrders(host, port);
    callInventory(host, port);
  }

  /** Makes a call, and prints what came of it and how long it took. */
  private static void report(String over, String call, Callable<String> run) throws Exception {
    long start = System.nanoTime();
    String answer = run.call();
    double ms = (System.nanoTime() - start) / 1e6;
    String quoted = answer.replace("\\", "\\\\").replace("\"", "\\\"");
    System.out.printf(
        Locale.ROOT, "{\"over\":\"%s\",\"call\":\"%s\",\"answer\":\"%s\",\"ms\":%f}%n", over, call, quoted, ms);
  }

  private static String printed(long units, int nanos, String currency) {
    return String.format(Locale.ROOT, "%d.%02d %s", units, nanos / 10_000_000, currency);
  }

  private static void callOrders(String host, int port) throws Exception {
    TFramedTransport transport = new TFramedTransport(new TSocket(host, port, 10_000));
    transport.open();
    TBinaryProtocol protocol = new TBinaryProtocol(transport);
    Orders.Client orders = new Orders.Client(protocol);
    Vouchers.Client vouchers = new Vouchers.Client(protocol);

    report("Thrift", "Orders.Place", () -> placeOrder(orders));
    report("Thrift", "Vouchers.redeem", () -> redeem(vouchers));
    report(
        "Thrift",
        "Orders.Get",
        () -> {
          try {
            return orders.Get(new GetRequest("lost")).getId();
          } catch (TApplicationException exception) {
            return exception.getMessage();
          }
        });
    transport.close();
  }

  private static String placeOrder(Orders.Client orders) throws TException {
    PlaceRequest request = new PlaceRequest();
    request.setCustomer_id("java");
    request.setLines(List.of(line("TEA-GREEN-100", 2), line("CUP-BLUE", 1)));
    request.setCard(new Card("tok-1", "4242"));
    shop.v1.Money total = orders.Place(request).getTotal();
    return "placed, " + printed(total.getUnits(), total.getNanos(), total.getCurrency());
  }

  private static Line line(String sku, long quantity) {
    Line line = new Line();
    line.setSku(sku);
    line.setQuantity(quantity);
    return line;
  }

  private static String redeem(Vouchers.Client vouchers) throws TException {
    try {
      vouchers.redeem("SPRING-2019", new Money("EUR", 5, 0));
      return "redeemed";
    } catch (VoucherExpired expired) {
      int year = Instant.ofEpochMilli(expired.getExpiredAtMs()).atZone(ZoneOffset.UTC).getYear();
      return "VoucherExpired: " + expired.getCode() + ", in " + year;
    }
  }

  private static void callInventory(String host, int port) throws Exception {
    ManagedChannel channel = ManagedChannelBuilder.forAddress(host, port).usePlaintext().build();
    InventoryGrpc.InventoryBlockingStub inventory =
        InventoryGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);

    report(
        "gRPC",
        "Inventory.reserve",
        () -> {
          Reservation reservation = reserve(inventory, "TEA-GREEN-100", 2);
          boolean berlin = reservation.getWarehouse() == Warehouse.WAREHOUSE_BERLIN;
          String where = berlin ? "BERLIN" : reservation.getWarehouse().name();
          var total = reservation.getTotal();
          return "reserved in " + where + ", " + printed(total.getUnits(), total.getNanos(), total.getCurrency());
        });
    report(
        "gRPC",
        "Inventory.reserve",
        () -> {
          try {
            reserve(inventory, "CUP-BLUE", 50);
            return "reserved";
          } catch (StatusRuntimeException failure) {
            return outOfStock(failure);
          }
        });
    report(
        "gRPC",
        "Inventory.search",
        () -> {
          try {
            ListRequest request = ListRequest.newBuilder().setLimit(0).build();
            inventory.search(Inventory_search_args.newBuilder().setRequest(request).build());
            return "found";
          } catch (StatusRuntimeException failure) {
            return failure.getStatus().getCode() + ": " + failure.getStatus().getDescription();
          }
        });
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }

  private static Reservation reserve(InventoryGrpc.InventoryBlockingStub inventory, String sku, int quantity) {
    ReserveRequest request =
        ReserveRequest.newBuilder().setOrderId("java").setSku(sku).setQuantity(quantity).build();
    return inventory.reserve(Inventory_reserve_args.newBuilder().setRequest(request).build()).getSuccess();
  }

  private static String outOfStock(StatusRuntimeException failure) throws Exception {
    for (Any detail : StatusProto.fromThrowable(failure).getDetailsList()) {
      if (!detail.is(OutOfStock.class)) continue;
      OutOfStock none = detail.unpack(OutOfStock.class);
      return "OutOfStock: " + none.getSku() + ", " + none.getAvailable() + " left";
    }
    throw failure;
  }
}
