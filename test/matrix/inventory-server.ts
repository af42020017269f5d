// A Thrift server of the shop's inventory that can be told to hang, to err or to die, for tests of policies.
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo, Socket } from "node:net";
import { resolve } from "node:path";
import thrift from "thrift";
import { onTestFinished } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";

// Required as the generated code does: it knows an exception by its class, and an import would make a second one here.
const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);

/** The folder of the shop's IDL. */
export const IDL = resolve(import.meta.dirname, "../../idl");

export interface InventoryServer {
  readonly port: number;
  /** What its calls get: an item, nothing ever, an error, or the exception that the IDL declares. */
  mode: "answer" | "hang" | "err" | "throw";
  /** How many calls have come. */
  calls: number;
  /** Answers those that hang. */
  release(): void;
  /** Cuts its connections and listens no more. */
  die(): Promise<void>;
}

/** Starts one until the test is over; every item that it knows has the title `title`. */
export async function startInventory(port = 0, title = "Tea"): Promise<InventoryServer> {
  const sockets = new Set<Socket>();
  const hanging = new Set<() => void>();
  const inventory: InventoryServer = { port: 0, mode: "answer", calls: 0, die, release };
  const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });

  async function act(sku: string): Promise<InstanceType<typeof types.Item>> {
    inventory.calls++;
    if (inventory.mode === "hang") await new Promise<void>((done) => hanging.add(done));
    if (inventory.mode === "err") throw new Error("the disk is full");
    if (inventory.mode === "throw") throw new types.UnknownItem({ sku });
    return new types.Item({ sku, title, price, available: { 1: 8 }, tags: ["green"], weight: 0.1 });
  }

  function release(): void {
    for (const done of hanging) done();
    hanging.clear();
  }

  const server = thrift.createServer(
    Inventory.Processor,
    {
      get: act,
      // Apache's library tells by the number of arguments whether there is a callback.
      search: async (_: unknown) => [await act("TEA")],
      async reserve({ sku }: { readonly sku: string }) {
        await act(sku);
        return new types.Reservation({ id: title, warehouse: 1, total: price, expiresAtMs: new thrift.Int64(1) });
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  async function die(): Promise<void> {
    const closed = new Promise((done) => server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  // Apache's server says the errors of its connections, too, which callers that go away leave behind.
  server.on("error", () => {});
  onTestFinished(() => (server.listening ? die() : undefined));
  return Object.assign(inventory, { port: (server.address() as AddressInfo).port });
}
