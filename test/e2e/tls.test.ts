// TLS between the official libraries and the sidecar, on both sides: npm thrift, grpc-js and curl in, npm thrift and
// grpc-js as servers behind.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync } from "node:fs";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect as connectTcp, type Server } from "node:net";
import { join, resolve } from "node:path";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import thrift from "thrift";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { InventoryClient, type InventoryGetResult } from "../../demo/gen/proto/inventory.ts";
import { type Order, OrdersService } from "../../demo/gen/proto/shop/orders.ts";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import types from "../../demo/gen/thrift/inventory_types.js";
import Orders from "../../demo/gen/thrift/Orders.js";
import orderTypes from "../../demo/gen/thrift/orders_types.js";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { type Authority, createAuthority, type Pair } from "../certificates.ts";
import { type Sidecar, startSidecarForTest } from "./sidecar.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

const missing = whatIsMissing(["openssl", "curl"]);
let authority: Authority;
let stranger: Authority;
let server: Pair;
let client: Pair;
let alien: Pair;
let inventory: Server;
let orders: grpc.Server;
let ordersPort = 0;
/** The certificates' holders that the servers have seen. */
const seen: string[] = [];

const portOf = (listening: { address(): unknown }) => (listening.address() as AddressInfo).port;
const urlPort = (address: string) => Number(address.split(":").at(-1));

beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

beforeAll(async () => {
  if (missing) return;
  authority = createAuthority();
  stranger = createAuthority();
  server = authority.issue("server", { names: "DNS:localhost,IP:127.0.0.1" });
  client = authority.issue("client", { names: "URI:spiffe://shop/web,DNS:web" });
  alien = stranger.issue("alien", { names: "DNS:localhost,IP:127.0.0.1" });
  const tls = {
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ca: readFileSync(authority.ca),
    requestCert: true,
    rejectUnauthorized: true,
  };
  inventory = thrift.createServer(
    Inventory.Processor,
    {
      async get(sku: string) {
        const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });
        return new types.Item({ sku, title: "Green tea", price });
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol, tls },
  );
  inventory.on("secureConnection", (socket) => seen.push(socket.getPeerCertificate().subject.CN));
  inventory.listen(0, "127.0.0.1");
  await once(inventory, "listening");
  orders = new grpc.Server();
  orders.addService(OrdersService, {
    get({ request }: grpc.ServerUnaryCall<{ id: string }, Order>, callback: grpc.sendUnaryData<Order>) {
      const order = { id: request.id, customerId: "c", status: 2, lines: [], total: undefined, placedAt: undefined };
      callback(null, { ...order, labels: {}, giftNote: undefined } as unknown as Order);
    },
  });
  const pair = { cert_chain: tls.cert, private_key: tls.key };
  ordersPort = await new Promise<number>((done, failed) => {
    const credentials = grpc.ServerCredentials.createSsl(tls.ca, [pair], true);
    orders.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? failed(error) : done(port)));
  });
});

afterAll(() => {
  if (missing) return;
  inventory.close();
  orders.forceShutdown();
  authority.remove();
  stranger.remove();
});

interface Setup {
  readonly listener?: string;
  readonly inventoryTls?: string;
  readonly ordersTls?: string;
  readonly inventoryPort?: number;
  readonly ordersPort?: number;
}

function start(setup: Setup = {}): Sidecar {
  const toServer = `{ ca: ${authority.ca}, cert: ${client.cert}, key: ${client.key} }`;
  const listenerTls = setup.listener ?? `{ cert: ${server.cert}, key: ${server.key}, clientCa: ${authority.ca} }`;
  return startSidecarForTest(`
schema:
  include: ["${ROOT}/idl"]
  files: ["${ROOT}/idl/shop/inventory.thrift", "${ROOT}/idl/shop/orders.proto"]
listeners:
  - { kind: local, address: "127.0.0.1:0", tls: ${listenerTls} }
  - { kind: http, address: "127.0.0.1:0", tls: ${listenerTls} }
  - { kind: admin, address: "127.0.0.1:0" }
upstreams:
  inventory:
    protocol: thrift-framed
    endpoints: ["127.0.0.1:${setup.inventoryPort ?? portOf(inventory)}"]
    services: [shop.Inventory]
    retry: { maxAttempts: 1 }
    tls: ${setup.inventoryTls ?? toServer}
  orders:
    protocol: grpc
    endpoints: ["127.0.0.1:${setup.ordersPort ?? ordersPort}"]
    services: [shop.v1.Orders]
    retry: { maxAttempts: 1 }
    tls: ${setup.ordersTls ?? toServer}
accessLog: all
`);
}

function grpcClient(address: string, { ca, pair }: { ca: string; pair?: Pair }): InventoryClient {
  const own = pair ? [readFileSync(pair.key), readFileSync(pair.cert)] : [];
  const made = new InventoryClient(address, grpc.credentials.createSsl(readFileSync(ca), ...own));
  onTestFinished(() => made.close());
  return made;
}

function getItem(from: InventoryClient): Promise<InventoryGetResult> {
  return new Promise((done, failed) =>
    from.get({ sku: "TEA" }, (error, result) => (error ? failed(error) : done(result))),
  );
}

function thriftClient(address: string, pair: Pair = client): { orders: Orders.Client; connection: thrift.Connection } {
  // The types know nothing of TLS' options, which the library hands on.
  const tls = { ca: readFileSync(authority.ca), cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
  const wire = { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol };
  const connection = thrift.createSSLConnection("127.0.0.1", urlPort(address), { ...tls, ...wire });
  connection.on("error", () => {});
  onTestFinished(() => void connection.end());
  return { orders: thrift.createClient(Orders.Client, connection), connection };
}

test("grpc-js with a client certificate calls a Thrift server over TLS, and the log says who called", async () => {
  const sidecar = start();
  const { success } = await getItem(grpcClient(await sidecar.addressOf("local"), { ca: authority.ca, pair: client }));
  expect(success).toMatchObject({ sku: "TEA", title: "Green tea" });
  expect(await sidecar.logged(({ method }) => method === "get")).toMatchObject({
    caller: "spiffe://shop/web",
    inbound: "grpc",
    code: "OK",
  });
  expect(seen).toContain("client");
});

test("npm thrift over TLS with a client certificate calls a gRPC server over TLS", async () => {
  const sidecar = start();
  const { orders: made } = thriftClient(await sidecar.addressOf("local"));
  expect(await made.Get(new orderTypes.GetRequest({ id: "o-1" }))).toMatchObject({ id: "o-1", customer_id: "c" });
  expect(await sidecar.logged(({ method }) => method === "Get")).toMatchObject({ caller: "spiffe://shop/web" });
});

test("curl with --cacert and a client certificate calls over HTTPS", async () => {
  const sidecar = start();
  const url = `https://127.0.0.1:${urlPort(await sidecar.addressOf("http"))}/shop.v1.Orders/Get`;
  const body = ["-H", "content-type: application/json", "-d", '{"id":"o-2"}'];
  const tls = ["--cacert", authority.ca, "--cert", client.cert, "--key", client.key];
  const { stdout } = await run("curl", ["-sS", ...tls, ...body, url]);
  expect(JSON.parse(stdout)).toMatchObject({ id: "o-2", customerId: "c" });
  expect(await sidecar.logged(({ method }) => method === "Get")).toMatchObject({ caller: "spiffe://shop/web" });
  await expect(run("curl", ["-sS", "--cacert", authority.ca, ...body, url])).rejects.toThrow(/certificate required/i);
});

describe("a caller without a good certificate", () => {
  test.each([
    ["that shows none", undefined, "it showed no certificate"],
    ["of another authority", () => alien, "its certificate is signed by no authority that is trusted here"],
  ])("%s where one is required is refused, logged and counted", async (_, pair, why) => {
    const sidecar = start();
    const own = pair ? { pair: pair() } : {};
    const asker = grpcClient(await sidecar.addressOf("local"), { ca: authority.ca, ...own });
    await expect(getItem(asker)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
    const line = await sidecar.logged(({ msg }) => msg === "a TLS handshake failed");
    expect(line["why"]).toContain(why);
    const metrics = await (await fetch(`http://${await sidecar.addressOf("admin")}/metrics`)).text();
    expect(metrics).toMatch(/^causeway_tls_handshake_failures_total [1-9]/m);
  });

  test("is served without a name where one is only asked for, but not with one that cannot be verified", async () => {
    const listener = `{ cert: ${server.cert}, key: ${server.key}, clientCa: ${authority.ca}, clientAuth: request }`;
    const sidecar = start({ listener });
    const address = await sidecar.addressOf("local");
    expect((await getItem(grpcClient(address, { ca: authority.ca }))).success).toMatchObject({ sku: "TEA" });
    expect((await sidecar.logged(({ method }) => method === "get"))["caller"]).toBeUndefined();
    await expect(getItem(grpcClient(address, { ca: authority.ca, pair: alien }))).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    });
    await sidecar.logged(({ msg }) => msg === "a TLS handshake failed");
  });
});

test.each(["local", "http"] as const)(
  "a client without TLS at the %s port with TLS is told apart in the log",
  async (kind) => {
    const sidecar = start();
    const socket = connectTcp(urlPort(await sidecar.addressOf(kind)), "127.0.0.1");
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    socket.write(kind === "http" ? "GET / HTTP/1.1\r\nhost: a\r\n\r\n" : Buffer.from("0000001180010001", "hex"));
    const line = await sidecar.logged(({ msg }) => msg === "a TLS handshake failed");
    expect(line["why"]).toMatch(kind === "http" ? /it speaks HTTP without TLS/ : /it does not speak TLS/);
  },
);

test("new files are used for new connections, live ones go on, and broken ones are refused", async () => {
  const folder = authority.folder;
  const [cert, key] = [join(folder, "live.pem"), join(folder, "live.key")];
  const put = (pair: Pair) => {
    copyFileSync(pair.cert, cert);
    copyFileSync(pair.key, key);
  };
  const subjectAt = (port: number) =>
    new Promise<string>((done, failed) => {
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        done(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", failed);
    });
  put(server);
  const sidecar = start({ listener: `{ cert: ${cert}, key: ${key} }` });
  const [local, http] = [await sidecar.addressOf("local"), await sidecar.addressOf("http")].map(urlPort);
  const live = grpcClient(`127.0.0.1:${local}`, { ca: authority.ca });
  await getItem(live);
  const [liveChannel] = [live.getChannel().getConnectivityState(false)];
  expect(liveChannel).toBe(grpc.connectivityState.READY);
  expect([await subjectAt(local!), await subjectAt(http!)]).toEqual(["server", "server"]);
  put(authority.issue("renewed", { names: "DNS:localhost,IP:127.0.0.1" }));
  expect([await subjectAt(local!), await subjectAt(http!)]).toEqual(["renewed", "renewed"]);
  await getItem(live);
  copyFileSync(alien.cert, cert);
  expect([await subjectAt(local!), await subjectAt(http!)]).toEqual(["renewed", "renewed"]);
  const refusals = () => sidecar.log.filter(({ msg }) => String(msg).startsWith("changed TLS files cannot be used"));
  await expect.poll(() => refusals().length).toBe(2);
  const refused = refusals();
  expect(refused[0]?.["reason"]).toContain("is not the key of the certificate");
  await getItem(live);
  expect(live.getChannel().getConnectivityState(false)).toBe(grpc.connectivityState.READY);
});

/** A TLS server that takes anybody and says nothing. */
async function silentTls(pair: Pair, protocols: string[] = ["h2"]): Promise<number> {
  const options = { cert: readFileSync(pair.cert), key: readFileSync(pair.key), ALPNProtocols: protocols };
  const made = createTlsServer(options, (socket) => socket.on("error", () => {}));
  made.listen(0, "127.0.0.1");
  await once(made, "listening");
  onTestFinished(() => void made.close());
  return portOf(made);
}

describe("an upstream that cannot be trusted is UNAVAILABLE, not sent, with the reason", () => {
  const cases: readonly (readonly [string, () => Promise<Partial<Setup>>, string])[] = [
    [
      "an expired certificate",
      async () => {
        const expired = authority.issue("expired", { names: "IP:127.0.0.1", expired: true });
        return { ordersPort: await silentTls(expired) };
      },
      "TLS: its certificate has expired (CERT_HAS_EXPIRED)",
    ],
    [
      "another authority's",
      async () => ({ ordersPort: await silentTls(alien) }),
      "TLS: its certificate is signed by no authority that is trusted here",
    ],
    [
      "another name's",
      async () => ({ ordersPort: await silentTls(authority.issue("other", { names: "DNS:other.example" })) }),
      "TLS: its certificate is for another name: IP: 127.0.0.1 is not in the cert's list",
    ],
    [
      "no h2",
      async () => ({ ordersPort: await silentTls(server, ["http/1.1"]) }),
      "TLS: no protocol is spoken on both sides (ALPN)",
    ],
    [
      "no TLS",
      async () => {
        const plain = createHttp2Server();
        plain.listen(0, "127.0.0.1");
        await once(plain, "listening");
        onTestFinished(() => void plain.close());
        return { ordersPort: portOf(plain) };
      },
      "TLS: ",
    ],
  ];
  test.each(cases)("%s", async (_, change, reason) => {
    const sidecar = start(await change());
    const { orders: made } = thriftClient(await sidecar.addressOf("local"));
    await expect(made.Get(new orderTypes.GetRequest({ id: "o-1" }))).rejects.toThrow(reason);
    const line = await sidecar.logged(({ method }) => method === "Get");
    expect(line).toMatchObject({ code: "UNAVAILABLE", origin: "here" });
    expect(line["error"]).toMatch(/^cannot connect to 127\.0\.0\.1:\d+: TLS: /);
  });

  test("a server that wants a certificate and gets none", async () => {
    const sidecar = start({ inventoryTls: `{ ca: ${authority.ca} }`, ordersTls: `{ ca: ${authority.ca} }` });
    const asker = grpcClient(await sidecar.addressOf("local"), { ca: authority.ca, pair: client });
    await expect(getItem(asker)).rejects.toThrow("TLS: it refuses the handshake: it may ask for a certificate");
    const { orders: caller } = thriftClient(await sidecar.addressOf("local"));
    const call = caller.Get(new orderTypes.GetRequest({ id: "o-1" }));
    await expect(call).rejects.toThrow("TLS: it asks for a certificate and was shown none");
  });

  test.each([
    ["insecureSkipVerify takes any certificate", () => "{ insecureSkipVerify: true }"],
    ["serverName is held against the certificate", () => `{ ca: ${authority.ca}, serverName: orders.example }`],
  ])("%s", async (_, tls) => {
    const { cert, key } = authority.issue("orders", { names: "DNS:orders.example" });
    const pair = { cert_chain: readFileSync(cert), private_key: readFileSync(key) };
    const other = new grpc.Server();
    onTestFinished(() => other.forceShutdown());
    const port = await new Promise<number>((done, failed) => {
      const credentials = grpc.ServerCredentials.createSsl(null, [pair]);
      other.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? failed(error) : done(bound)));
    });
    const sidecar = start({ ordersPort: port, ordersTls: tls() });
    const { orders: caller } = thriftClient(await sidecar.addressOf("local"));
    // The handshake was good, so that it is the server that answers: it has no such service.
    await expect(caller.Get(new orderTypes.GetRequest({ id: "o-1" }))).rejects.toThrow("UNIMPLEMENTED");
  });
});

test("files that cannot be used are faults of the config, with their place", async () => {
  const sidecar = start({ listener: `{ cert: ${server.cert}, key: ${client.key} }` });
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  for (const [line, i] of [
    [6, 0],
    [7, 1],
  ]) {
    expect(stderr).toMatch(
      new RegExp(`:${line}:\\d+: error: listeners\\[${i}\\]\\.tls\\.key: .* is not the key of the`),
    );
  }
});
