// A sidecar whose upstreams are in DNS, and a small DNS server (RFC 1035) that says where they are.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import thrift from "thrift";
import { expect, onTestFinished, test, vi } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);
const ROOT = resolve(import.meta.dirname, "../..");
const PATIENCE = { timeout: 15_000, interval: 20 };
const TYPES = { A: 1, AAAA: 28, SRV: 33 } as const;

type Zone = Map<string, readonly Buffer[]>;

function nameBytes(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

const a = (ip: string): Buffer => Buffer.from(ip.split(".").map(Number));

function srv(priority: number, weight: number, port: number, target: string): Buffer {
  const head = Buffer.alloc(6);
  for (const [i, value] of [priority, weight, port].entries()) head.writeUInt16BE(value, 2 * i);
  return Buffer.concat([head, nameBytes(target)]);
}

/** Answers from the zone, whose keys are as in `A shop.test`; a name that is not there is NXDOMAIN, and undefined is SERVFAIL. */
async function startDns(zone: Zone): Promise<{ readonly address: string; fail(is: boolean): void }> {
  const socket = createSocket("udp4");
  let failing = false;
  socket.on("message", (question, { port, address }) => {
    const end = question.indexOf(0, 12);
    const labels: string[] = [];
    for (let at = 12; at < end; at += 1 + question[at]!) {
      labels.push(question.toString("latin1", at + 1, at + 1 + question[at]!));
    }
    const name = labels.join(".").toLowerCase();
    const type = question.readUInt16BE(end + 1);
    const kind = Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? "";
    const found = failing ? [] : (zone.get(`${kind} ${name}`) ?? []);
    const isThere = [...zone.keys()].some((key) => key.endsWith(` ${name}`));
    const header = Buffer.alloc(12);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8400 | (failing ? 2 : isThere ? 0 : 3), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(found.length, 6);
    const records = found.map((data) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0xc00c, 0); // The name of the question.
      head.writeUInt16BE(type, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt32BE(1, 6); // One second.
      head.writeUInt16BE(data.length, 10);
      return Buffer.concat([head, data]);
    });
    socket.send(Buffer.concat([header, question.subarray(12, end + 5), ...records]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  onTestFinished(() => void socket.close());
  return {
    address: `127.0.0.1:${socket.address().port}`,
    fail(is) {
      failing = is;
    },
  };
}

/** A Thrift server at an address of the loopback network, whose items bear the address. */
async function startInventory(host: string, port = 0): Promise<number> {
  const server = thrift.createServer(
    Inventory.Processor,
    {
      async get(sku: string) {
        const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });
        return new types.Item({ sku, title: host, price });
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  server.listen(port, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function startWith(dns: string, servers: string): Sidecar {
  return startSidecarForTest(`schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }
listeners: [{ kind: http, address: "127.0.0.1:0" }]
discovery: { dns: { servers: ["${servers}"], minTtlMs: 100 }, cache: { emptyGraceMs: 0 } }
upstreams:
  inventory: { protocol: thrift-framed, services: [shop.Inventory], balance: { policy: weighted }, discovery: { dns: ${dns} } }
`);
}

async function titles(sidecar: Sidecar, calls: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let i = 0; i < calls; i++) {
    const response = await fetch(`http://${await sidecar.addressOf("http")}/shop.Inventory/get`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"sku":"TEA"}',
    });
    const body: { success?: { title: string }; message?: string } = JSON.parse(await response.text());
    all.push(body.success?.title ?? body.message ?? "");
  }
  return all.sort();
}

test("calls go to the addresses of a name, follow it when it changes, and go on while DNS is away", async () => {
  const port = await startInventory("127.0.0.1");
  await startInventory("127.0.0.2", port);
  const zone: Zone = new Map([["A shop.test", [a("127.0.0.1")]]]);
  const dns = await startDns(zone);
  const sidecar = startWith(`{ name: shop.test, port: ${port} }`, dns.address);
  await vi.waitFor(async () => expect(await titles(sidecar, 2)).toEqual(["127.0.0.1", "127.0.0.1"]), PATIENCE);

  zone.set("A shop.test", [a("127.0.0.2"), a("127.0.0.1")]);
  await vi.waitFor(async () => expect(await titles(sidecar, 2)).toEqual(["127.0.0.1", "127.0.0.2"]), PATIENCE);

  dns.fail(true);
  await sidecar.logged(({ msg }) => msg === "DNS does not answer: what was known last is kept");
  expect(await titles(sidecar, 2)).toEqual(["127.0.0.1", "127.0.0.2"]);

  dns.fail(false);
  zone.delete("A shop.test");
  await vi.waitFor(async () => {
    expect(await titles(sidecar, 1)).toEqual(["the upstream inventory has no endpoints"]);
  }, PATIENCE);
});

test("calls go to the targets of SRV records by their weights", async () => {
  const [one, two] = [await startInventory("127.0.0.1"), await startInventory("127.0.0.2")];
  const dns = await startDns(
    new Map([
      ["SRV _shop._tcp.test", [srv(0, 30, one, "a.test"), srv(0, 10, two, "b.test")]],
      ["A a.test", [a("127.0.0.1")]],
      ["A b.test", [a("127.0.0.2")]],
    ]),
  );
  const sidecar = startWith("{ type: SRV, name: _shop._tcp.test }", dns.address);
  await vi.waitFor(async () => {
    expect(await titles(sidecar, 4)).toEqual(["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"]);
  }, PATIENCE);
});
