// The messages of the codec benchmark, as values of the classes that the Thrift compiler generated for Node.
import { createRequire } from "node:module";

/** What the generated classes have, as far as the benchmark needs it. */
export interface ThriftStruct {
  read(protocol: unknown): void;
  write(protocol: unknown): void;
  // Fields, by their names in the IDL; the generated code is untyped.
  [field: string]: unknown;
}

export type ThriftClass = new (fields?: object) => ThriftStruct;

const require = createRequire(import.meta.url);
const generated: unknown = require("./gen/orders-types.cjs");

export interface BenchCase {
  readonly name: string;
  /** The type's bare name in bench/idl. */
  readonly type: "Order" | "Item" | "Samples" | "Tiny" | "Chain" | "Texts" | "Counts";
  readonly value: object;
}

/** A class of the generated code. */
export function generatedClass(name: string): ThriftClass {
  if (typeof generated === "object" && generated !== null && name in generated) {
    return (generated as Record<string, ThriftClass>)[name] as ThriftClass;
  }
  throw new Error(`bench/gen has no class ${name}`);
}

function item(i: number): object {
  return {
    sku: `SKU-${String(10_000 + i * 7)}`,
    title: ["Stoneware mug, 350 ml", "Linen tea towel, two pieces", "Hand-thrown bowl", "Beeswax candle"][i % 4],
    quantity: 1 + (i % 5),
    price: 1_290 + i * 350,
    ...(i % 3 === 0 ? { discount: 0.15 } : {}),
  };
}

function order(items: number): object {
  const Address = generatedClass("Address");
  const Item = generatedClass("Item");
  return {
    id: 812_345_678_901,
    customer: "c-4f1d9a2e-77b0",
    status: 1,
    placed_at: 1_763_812_345_678,
    ship_to: new Address({
      name: "Grete Müller",
      street: "Lindenstraße 14",
      postal_code: "10969",
      city: "Berlin",
      country: "DE",
    }),
    items: Array.from({ length: items }, (_, i) => new Item(item(i))),
    labels: { channel: "web", campaign: "autumn-2026", warehouse: "BER-2", priority: "normal" },
    total: 48_950,
    currency: "EUR",
    note: "Please leave the parcel with the neighbour on the second floor.",
    gift: false,
  };
}

function chain(levels: number): object {
  const Chain = generatedClass("Chain");
  let innermost = new Chain({ value: levels });
  for (let value = levels - 1; value > 0; value--) innermost = new Chain({ value, inner: innermost });
  return innermost;
}

function texts(sentence: string): object {
  return { title: sentence, lines: Array.from({ length: 40 }, (_, i) => sentence.repeat(1 + (i % 4))) };
}

function counts(entries: number): object {
  const keys = Array.from({ length: entries }, (_, i) => i + 1);
  return {
    by_name: Object.fromEntries(keys.map((i) => [`warehouse-${i}`, i * 37])),
    by_number: Object.fromEntries(keys.map((i) => [i, `shelf ${i}`])),
  };
}

export const CASES: readonly BenchCase[] = [
  { name: "order-700", type: "Order", value: order(6) },
  { name: "small-40", type: "Item", value: { sku: "SKU-1", title: "Mug", quantity: 2, price: 1_290 } },
  { name: "tiny", type: "Tiny", value: { id: 4_711, name: "mug", active: true } },
  { name: "large-64k", type: "Order", value: order(975) },
  { name: "large-10000-items", type: "Order", value: order(10_000) },
  { name: "deep-20", type: "Chain", value: chain(20) },
  { name: "strings-ascii", type: "Texts", value: texts("The parcel is with the neighbour on the second floor, ") },
  { name: "strings-chinese", type: "Texts", value: texts("包裹在二楼邻居家里，请按门铃两次后稍等片刻，") },
  {
    name: "numbers",
    type: "Samples",
    value: {
      sensor: "t-17",
      times: Array.from({ length: 100 }, (_, i) => 1_763_812_345_678 + i * 1_000),
      values: Array.from({ length: 100 }, (_, i) => 20 + Math.sin(i)),
      counts: Array.from({ length: 100 }, (_, i) => i * i),
      mean: 20.1,
      total: 328_350,
    },
  },
  { name: "maps", type: "Counts", value: counts(100) },
];
