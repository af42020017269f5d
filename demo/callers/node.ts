// Calls both services of the shop through the sidecar, each from the other world: npm's thrift calls the gRPC service,
// grpc-js calls the Thrift service. Prints a line of JSON for each call.
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import thrift from "thrift";
import { detailsOf } from "../../tools/rpc-status.ts";
import { InventoryClient, OutOfStock, Warehouse } from "../gen/proto/inventory.ts";
import common from "../gen/thrift/common_types.js";
import Orders from "../gen/thrift/Orders.js";
import orders from "../gen/thrift/orders_types.js";
import Vouchers from "../gen/thrift/Vouchers.js";
import vouchers from "../gen/thrift/vouchers_types.js";

const address = process.argv[2] ?? "";

interface Money {
  readonly currency?: string | undefined;
  readonly units?: bigint | InstanceType<typeof thrift.Int64> | undefined;
  readonly nanos?: number | undefined;
}

function printed(money: Money | undefined): string {
  const cents = String(Math.trunc((money?.nanos ?? 0) / 10_000_000)).padStart(2, "0");
  return `${Number(money?.units ?? 0)}.${cents} ${money?.currency}`;
}

/** Makes a call, and prints what came of it and how long it took. */
async function report(over: string, call: string, run: () => Promise<string>): Promise<void> {
  const start = performance.now();
  const answer = await run();
  const ms = performance.now() - start;
  process.stdout.write(`${JSON.stringify({ over, call, answer, ms })}\n`);
}

async function callOrders(): Promise<void> {
  const [host, port] = address.split(":");
  // A connection of this library has one client.
  const connect = () =>
    thrift.createConnection(host, Number(port), {
      transport: thrift.TFramedTransport,
      protocol: thrift.TBinaryProtocol,
    });
  const connections = [connect(), connect()] as const;
  const orderClient = thrift.createClient(Orders.Client, connections[0]);
  const voucherClient = thrift.createClient(Vouchers.Client, connections[1]);

  await report("Thrift", "Orders.Place", async () => {
    const lines = [
      new orders.Line({ sku: "TEA-GREEN-100", quantity: new thrift.Int64(2) }),
      new orders.Line({ sku: "CUP-BLUE", quantity: new thrift.Int64(1) }),
    ];
    const card = new orders.Card({ token: "tok-1", last_four_digits: "4242" });
    const order = await orderClient.Place(new orders.PlaceRequest({ customer_id: "node", lines, card }));
    return `placed, ${printed(order.total)}`;
  });
  await report("Thrift", "Vouchers.redeem", async () => {
    const amount = new common.Money({ currency: "EUR", units: new thrift.Int64(5) });
    try {
      const { balance } = await voucherClient.redeem("SPRING-2019", amount);
      return `redeemed, ${printed(balance)} left`;
    } catch (error) {
      if (!(error instanceof vouchers.VoucherExpired)) throw error;
      return `VoucherExpired: ${error.code}, in ${new Date(Number(error.expiredAtMs)).getUTCFullYear()}`;
    }
  });
  await report("Thrift", "Orders.Get", async () => {
    try {
      return (await orderClient.Get(new orders.GetRequest({ id: "lost" }))).id ?? "";
    } catch (error) {
      if (!(error instanceof thrift.Thrift.TApplicationException)) throw error;
      return error.message;
    }
  });
  for (const connection of connections) connection.end();
}

async function callInventory(): Promise<void> {
  const client = new InventoryClient(address, credentials.createInsecure());
  const reserve = (sku: string, quantity: number) =>
    answered<{ success?: { warehouse?: number | undefined; total?: Money | undefined } | undefined }>((done) =>
      client.reserve({ request: { orderId: "node", sku, quantity } }, done),
    );

  await report("gRPC", "Inventory.reserve", async () => {
    const { success } = await reserve("TEA-GREEN-100", 2);
    const berlin = success?.warehouse === Warehouse.WAREHOUSE_BERLIN;
    return `reserved in ${berlin ? "BERLIN" : success?.warehouse}, ${printed(success?.total)}`;
  });
  await report("gRPC", "Inventory.reserve", async () => {
    try {
      await reserve("CUP-BLUE", 50);
      return "reserved";
    } catch (error) {
      const [detail] = detailsOf((error as ServiceError).metadata);
      if (detail?.name !== "shop.OutOfStock") throw error;
      const { sku, available } = OutOfStock.decode(detail.value);
      return `OutOfStock: ${sku}, ${available} left`;
    }
  });
  await report("gRPC", "Inventory.search", async () => {
    try {
      await answered((done) => client.search({ request: { tags: [], limit: 0 } }, done));
      return "found";
    } catch (error) {
      const { code, details } = error as ServiceError;
      return `${status[code]}: ${details}`;
    }
  });
  client.close();
}

function answered<A>(call: (done: (error: ServiceError | null, answer: A) => void) => void): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

await callOrders();
await callInventory();
