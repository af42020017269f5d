// The inventory of the shop: a service written against Apache Thrift, framed, as it would run anywhere. It knows nothing
// of Protobuf or of sidecars.
import type { AddressInfo } from "node:net";
import thrift from "thrift";
import common from "./gen/thrift/common_types.js";
import Inventory from "./gen/thrift/Inventory.js";
import types from "./gen/thrift/inventory_types.js";

const { BERLIN, LYON } = types.Warehouse;
const RESERVED_FOR_MS = 30 * 60_000;

const items = [
  item("TEA-GREEN-100", "Green tea, 100 g", 4, 50, { [BERLIN]: 800, [LYON]: 120 }, ["tea", "green"]),
  item("CUP-BLUE", "Blue cup", 12, 0, { [BERLIN]: 2, [LYON]: 1 }, ["cup"]),
];

const handler = {
  async ping(): Promise<void> {},

  async get(sku: string): Promise<types.Item> {
    return find(sku);
  },

  async search({ tags = [], limit = 0 }: types.ListRequest): Promise<types.Item[]> {
    if (limit < 1 || limit > 100) throw new Error(`the limit must be from 1 to 100, not ${limit}`);
    return items.filter((item) => tags.every((tag) => item.tags?.includes(tag))).slice(0, limit);
  },

  async reserve({ orderId, sku, quantity = 1, warehouse }: types.ReserveRequest): Promise<types.Reservation> {
    const item = find(sku);
    const stock = item.available ?? {};
    const left = Object.values(stock).reduce((sum, units) => sum + units, 0);
    if (left < quantity) throw new types.OutOfStock({ sku, requested: quantity, available: left });
    const fullest = Object.keys(stock)
      .map(Number)
      .sort((a, b) => (stock[b] ?? 0) - (stock[a] ?? 0))[0];
    return new types.Reservation({
      id: `${orderId}/${sku}`,
      warehouse: warehouse ?? fullest ?? BERLIN,
      total: times(item.price, quantity),
      expiresAtMs: new thrift.Int64(Date.now() + RESERVED_FOR_MS),
    });
  },

  audit(_orderId: string, _line: string): void {},
};

function find(sku: string): types.Item {
  const found = items.find((item) => item.sku === sku);
  if (!found) throw new types.UnknownItem({ sku });
  return found;
}

function item(sku: string, title: string, euros: number, cents: number, stock: Record<number, number>, tags: string[]) {
  return new types.Item({ sku, title, price: money(euros * 100 + cents), available: stock, tags });
}

function times({ units, nanos = 0 }: common.Money, quantity: number): common.Money {
  return money((Number(units) * 100 + nanos / 10_000_000) * quantity);
}

function money(cents: number): common.Money {
  const units = new thrift.Int64(Math.trunc(cents / 100));
  return new common.Money({ currency: "EUR", units, nanos: (cents % 100) * 10_000_000 });
}

const server = thrift.createServer(Inventory.Processor, handler, {
  transport: thrift.TFramedTransport,
  protocol: thrift.TBinaryProtocol,
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening 127.0.0.1:${port}\n`);
});
// Whoever started it holds its standard input.
process.stdin.resume().on("end", () => process.exit());
