// Calls over two sidecars: an application's at its own, and on to the provider listener of the one beside the server.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { detailsOf } from "../../tools/rpc-status.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { type Authority, createAuthority } from "../certificates.ts";
import { KindsClient, type KindsServer, noteOf, outcomeOf, startKinds } from "../matrix/grpc-kinds.ts";
import { connectNpmThrift, Missing } from "../matrix/npm-thrift.ts";
import { EchoClient, type EchoServer, startEcho, writeIdl } from "./mesh-fixture.ts";
import { type Sidecar, startSidecar, startSidecarForTest } from "./sidecar.ts";

const { status } = grpc;
const missing = whatIsMissing(["openssl"]);

const idl = writeIdl();
afterAll(() => idl.remove());

const TTHEADER_WIRES = [
  "sidecar, codec: protobuf",
  "sidecar, codec: thrift-binary",
  "sidecar, codec: thrift-compact",
  "ttheader, codec: protobuf",
  "ttheader, codec: thrift-binary",
];

/** A sidecar beside a server of Echo; `more` are lines of its config. */
function providerConfig(echoPort: number, { tls = "", kinds = 0, more = "", upstream = "" } = {}): string {
  return `
${idl.schema}
name: echo
listeners: [{ kind: local, side: provider, address: "127.0.0.1:0"${tls} }]
accessLog: all
upstreams:
  echo: { protocol: grpc, endpoints: ["127.0.0.1:${echoPort}"], services: [test.Echo], local: true${upstream} }
  ${kinds > 0 ? `kinds: { protocol: grpc, endpoints: ["127.0.0.1:${kinds}"], services: [kinds.Kinds], local: true }` : ""}
${more}`;
}

/** A sidecar beside a caller of Echo; `upstream` are keys of that upstream. */
function callerConfig(upstream: string, more = ""): string {
  return `
${idl.schema}
name: shop-web
listeners: [{ kind: local, address: "127.0.0.1:0", defaultService: test.Echo }]
accessLog: all
upstreams:
  echo: { services: [test.Echo], ${upstream} }
${more}`;
}

async function echoServer(name: string): Promise<EchoServer> {
  const server = await startEcho(name);
  onTestFinished(() => server.die());
  return server;
}

async function clientOf(sidecar: Sidecar): Promise<EchoClient> {
  const client = new EchoClient(await sidecar.addressOf("local"));
  onTestFinished(() => client.close());
  return client;
}

async function thriftOf(sidecar: Sidecar) {
  const client = await connectNpmThrift(Number((await sidecar.addressOf("local")).split(":")[1]), "framed");
  onTestFinished(() => client.close());
  return client;
}

describe.skipIf(missing !== undefined)("with TLS and certificates between the sidecars", () => {
  let authority: Authority;
  let echo: EchoServer;
  let kinds: KindsServer;
  let provider: Sidecar & Disposable;
  const callers = new Map<string, Sidecar & Disposable>();

  beforeAll(async () => {
    authority = createAuthority();
    const [of, by] = [
      authority.issue("provider", { names: "DNS:localhost,IP:127.0.0.1" }),
      authority.issue("caller", { names: "URI:spiffe://shop/web" }),
    ];
    [echo, kinds] = await Promise.all([startEcho("b"), startKinds()]);
    const tls = `, tls: { cert: ${of.cert}, key: ${of.key}, clientCa: ${authority.ca} }`;
    provider = startSidecar(providerConfig(echo.port, { tls, kinds: kinds.port }));
    const address = await provider.addressOf("provider");
    const toProvider = `endpoints: ["${address}"], tls: { ca: ${authority.ca}, cert: ${by.cert}, key: ${by.key} }`;
    for (const protocol of TTHEADER_WIRES) {
      const streams = `  kinds: { protocol: sidecar, services: [kinds.Kinds], ${toProvider} }`;
      callers.set(protocol, startSidecar(callerConfig(`protocol: ${protocol}, ${toProvider}`, streams)));
    }
  });

  afterAll(() => {
    for (const caller of callers.values()) caller[Symbol.dispose]();
    provider[Symbol.dispose]();
    echo.die();
    kinds.die();
    authority.remove();
  });

  describe.each(TTHEADER_WIRES)("%s", (protocol) => {
    const caller = () => callers.get(protocol)!;

    test("a framed Thrift caller reaches the gRPC server, and is told of its exception and its errors", async () => {
      const client = await thriftOf(caller());
      expect(await client.call("echo", "héllo")).toBe("héllo");
      await expect(client.call("echo", "missing")).rejects.toEqual(new Missing("shelf"));
      await expect(client.call("echo", "code 8")).rejects.toThrow("[grpc:8 RESOURCE_EXHAUSTED] as asked\n8 ü");
      client.note("remember");
      await expect.poll(() => echo.seen.some(({ text }) => text === "remember")).toBe(true);
    });

    test("the server hears who calls, and what the application said but for what only sidecars may say", async () => {
      const client = await clientOf(caller());
      const own = { tenant: "t", traceparent: "00-1-2-03", tracestate: "a=b", b3: "0" };
      const sidecars = { "cw-hops": "7", "cw-from": "somebody", "cw-attempt": "2", "cw-label-zone": "z", cw: "1" };
      const text = `who calls over ${protocol}`;
      const { head, status: end } = await client.echo(text, { ...own, ...sidecars });
      expect([head?.get("served-by"), end.metadata.get("cost")]).toEqual([["b"], ["7"]]);
      expect(echo.seen.find((call) => call.text === text)?.metadata).toEqual({
        ...own,
        "cw-hops": "2",
        "cw-from": "shop-web",
        "user-agent": expect.any(String),
      });
      await client.echo(`code 5 ${text}`);
      expect(await provider.logged(({ msg, from }) => msg === "call" && from === "shop-web")).toMatchObject({
        caller: "spiffe://shop/web",
        inbound: "ttheader",
      });
    });

    test("each code arrives with its message and details, exactly", async () => {
      const client = await clientOf(caller());
      for (let code = 1; code <= 16; code++) {
        const { status: end } = await client.echo(`code ${code}`);
        expect([end.code, end.details]).toEqual([code, `as asked\n${code} ü`]);
        expect(detailsOf(end.metadata)).toEqual([{ name: "test.Why", value: Buffer.of(1, 255) }]);
        expect(end.metadata.get("cost")).toEqual(["7"]);
      }
      const { status: gone } = await client.echo("missing");
      expect([gone.code, gone.details]).toEqual([status.NOT_FOUND, expect.any(String)]);
      expect(detailsOf(gone.metadata)[0]?.name).toBe("test.Missing");
    });

    test("the server has less time than the caller gave", async () => {
      const client = await clientOf(caller());
      const text = `deadline over ${protocol}`;
      await client.echo(text, {}, { deadline: Date.now() + 5_000 });
      const leftMs = echo.seen.find((call) => call.text === text)?.leftMs ?? 0;
      expect(leftMs).toBeGreaterThan(1_000);
      expect(leftMs).toBeLessThanOrEqual(5_001);
      const late = await client.echo(`hang until late over ${protocol}`, {}, { deadline: Date.now() + 300 });
      expect(late.status.code).toBe(status.DEADLINE_EXCEEDED);
      await expect.poll(() => echo.cancelled).toContain(`hang until late over ${protocol}`);
    });

    test("a caller that cancels is heard by the server", async () => {
      const client = await clientOf(caller());
      // A peer that is no sidecar by config must have shown that it understands a cancel.
      await client.echo("first");
      const text = `hang over ${protocol}`;
      const { outcome, cancel } = client.begin(text);
      await expect.poll(() => echo.seen.some((call) => call.text === text)).toBe(true);
      cancel();
      expect((await outcome).status.code).toBe(status.CANCELLED);
      await expect.poll(() => echo.cancelled).toContain(text);
    });

    test("a message of 10 MB and an empty one pass", async () => {
      const client = await thriftOf(caller());
      const text = "y".repeat(10_000_000);
      expect(await client.call("echo", text)).toBe(text);
      expect((await client.call("echo", "")) ?? "").toBe("");
    });
  });

  test("streams of every kind pass, with headers, trailers, errors and cancellation", async () => {
    const client = new KindsClient(await callers.get(TTHEADER_WIRES[0]!)!.addressOf("local"));
    onTestFinished(() => client.close());
    const metadata = { head: "1", "head-bin": Buffer.of(0, 255), trail: "2", "cw-from": "somebody" };
    const notes = [noteOf("a"), noteOf(""), noteOf("ccc")];
    expect((await client.call("One", [notes[0]!], metadata)).bodies).toEqual([notes[0]]);
    expect((await client.call("Up", notes, metadata)).bodies).toEqual([noteOf("3")]);
    expect((await client.call("Down", [notes[2]!], metadata)).bodies).toEqual([notes[2], notes[2], notes[2]]);
    const chat = await client.call("Chat", notes, metadata);
    expect(chat.bodies).toEqual(notes);
    expect([chat.head?.get("head"), chat.status.metadata.get("trail")]).toEqual([["1"], ["2"]]);
    const failed = await client.call("Chat", notes, { fail: "9", detail: "a.Detail" });
    expect(failed.bodies).toEqual(notes);
    expect([failed.status.code, failed.status.details]).toEqual([9, "as asked: 100 % ü"]);
    expect(detailsOf(failed.status.metadata)[0]?.name).toBe("a.Detail");
    const before = kinds.seen.cancelled;
    const open = client.open("Chat");
    const outcome = outcomeOf(open);
    open.write(noteOf("x"));
    await once(open, "data");
    open.cancel();
    expect((await outcome).status.code).toBe(status.CANCELLED);
    await expect.poll(() => kinds.seen.cancelled).toBe(before + 1);
    expect(await provider.logged(({ method }) => method === "Chat")).toMatchObject({
      inbound: "grpc",
      from: "shop-web",
      caller: "spiffe://shop/web",
    });
  });
});

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

describe("when a sidecar is gone", () => {
  test("its calls are UNAVAILABLE, and go elsewhere where they can", async () => {
    const [one, two] = [await echoServer("one"), await echoServer("two")];
    const providers = [one, two].map(({ port }) => startSidecarForTest(providerConfig(port)));
    const addresses = await Promise.all(providers.map((each) => each.addressOf("provider")));
    const client = await clientOf(
      startSidecarForTest(
        callerConfig(`protocol: sidecar, endpoints: ${JSON.stringify(addresses)}, balance: { policy: round-robin }`),
      ),
    );
    const servers = async () => {
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => client.echo("x", { "cw-attempt": "2" })));
      return new Set(outcomes.map(({ head, status: end }) => head?.get("served-by")[0] ?? end.code));
    };
    expect(await servers()).toEqual(new Set(["one", "two"]));
    providers[0]!.process.kill("SIGKILL");
    await providers[0]!.exited;
    expect(await servers()).toEqual(new Set(["two"]));
    providers[1]!.process.kill("SIGKILL");
    await providers[1]!.exited;
    expect(await servers()).toEqual(new Set([status.UNAVAILABLE]));
  });

  test("a sidecar whose server is gone says that nothing was sent, and the call goes to another", async () => {
    const two = await echoServer("two");
    const dead = Number((await deadAddress()).split(":")[1]);
    const providers = [dead, two.port].map((port) => startSidecarForTest(providerConfig(port)));
    const addresses = await Promise.all(providers.map((each) => each.addressOf("provider")));
    const client = await clientOf(
      startSidecarForTest(
        callerConfig(`protocol: sidecar, endpoints: ${JSON.stringify(addresses)}, balance: { policy: round-robin }`),
      ),
    );
    for (let i = 0; i < 6; i++) expect((await client.echo("x")).text).toBe("x");
  });

  test("one that drains finishes what it has, and no call is lost", async () => {
    const [one, two] = [await echoServer("one"), await echoServer("two")];
    const providers = [one, two].map(({ port }) => startSidecarForTest(providerConfig(port)));
    const addresses = await Promise.all(providers.map((each) => each.addressOf("provider")));
    const client = await clientOf(
      startSidecarForTest(callerConfig(`protocol: sidecar, endpoints: ${JSON.stringify(addresses)}`)),
    );
    const outcomes: (string | undefined)[] = [];
    let stopped = false;
    const callers = Array.from({ length: 8 }, async () => {
      while (!stopped) outcomes.push((await client.echo("x")).text);
    });
    await expect.poll(() => outcomes.length).toBeGreaterThan(100);
    providers[0]!.process.kill("SIGTERM");
    expect(await providers[0]!.exited).toMatchObject({ code: 0 });
    const soFar = outcomes.length;
    await expect.poll(() => outcomes.length).toBeGreaterThan(soFar + 100);
    stopped = true;
    await Promise.all(callers);
    expect(new Set(outcomes)).toEqual(new Set(["x"]));
  });
});

test("retries do not multiply: what the first sidecar tries again, the second does not", async () => {
  const server = await echoServer("one");
  const retry = "retry: { maxAttempts: 3, idempotent: [test.Echo/echo], backOff: { baseMs: 1, maxMs: 1 } }";
  const provider = startSidecarForTest(providerConfig(server.port, { upstream: `, ${retry}` }));
  const address = await provider.addressOf("provider");
  const client = await clientOf(
    startSidecarForTest(callerConfig(`protocol: sidecar, endpoints: ["${address}"], ${retry}`)),
  );
  expect((await client.echo("code 14")).status.code).toBe(status.UNAVAILABLE);
  // The first of the caller's sidecar is tried three times, the second and third once each.
  expect(server.seen.map(({ metadata }) => metadata["cw-attempt"])).toEqual([undefined, "2", "3", "2", "3"]);
});

describe("a provider listener", () => {
  test("takes no calls of applications", async () => {
    const server = await echoServer("one");
    const provider = startSidecarForTest(providerConfig(server.port));
    const address = await provider.addressOf("provider");
    const framed = await connectNpmThrift(Number(address.split(":")[1]), "framed");
    onTestFinished(() => framed.close());
    await expect(framed.call("echo", "x")).rejects.toThrow("[grpc:7 PERMISSION_DENIED] this listener takes calls from");
    const client = new EchoClient(address);
    onTestFinished(() => client.close());
    const { status: end } = await client.echo("x");
    expect([end.code, end.details]).toEqual([status.PERMISSION_DENIED, expect.stringContaining("side caller")]);
    expect(server.seen).toEqual([]);
  });

  test("serves no upstream that is not local", async () => {
    const server = await echoServer("one");
    const provider = startSidecarForTest(providerConfig(server.port).replace(", local: true", ""));
    const address = await provider.addressOf("provider");
    const client = await clientOf(startSidecarForTest(callerConfig(`protocol: sidecar, endpoints: ["${address}"]`)));
    const { status: end } = await client.echo("x");
    expect([end.code, end.details]).toEqual([status.UNIMPLEMENTED, expect.stringContaining("expected local: true")]);
  });
});

test("a call that goes round is refused", async () => {
  const ports = await Promise.all([deadAddress(), deadAddress()]);
  const config = (own: string, other: string) => `
${idl.schema}
listeners:
  - { kind: local, side: provider, address: "${own}" }
  - { kind: local, address: "127.0.0.1:0" }
accessLog: all
upstreams:
  echo: { protocol: ttheader, endpoints: ["${other}"], services: [test.Echo], local: true }`;
  const [first] = [config(ports[0], ports[1]), config(ports[1], ports[0])].map((text) => startSidecarForTest(text));
  const client = await clientOf(first!);
  await expect
    .poll(async () => (await client.echo("x")).status)
    .toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining("has passed 8 sidecars"),
    });
});

test("a sidecar is no upstream of itself", async () => {
  const sidecar = startSidecarForTest(`
${idl.schema}
listeners: [{ kind: local, address: "127.0.0.1:7420" }]
upstreams:
  echo: { protocol: ttheader, endpoints: ["127.0.0.1:9999", "127.0.0.1:7420"], services: [test.Echo] }`);
  const { code, stderr } = await sidecar.exited;
  expect(code).toBe(1);
  expect(stderr).toContain("upstreams.echo.endpoints[1]: 127.0.0.1:7420 is this sidecar's own listeners[0]");
});

test("labels follow a call through an application that passes on nothing but its trace", async () => {
  const [one, two] = await Promise.all([startKinds(), startKinds()]);
  onTestFinished(() => [one, two].forEach((server) => void server.die()));
  // The application in the middle: while it serves a call, it calls Kinds through its own sidecar.
  const application = new grpc.Server();
  onTestFinished(() => application.forceShutdown());
  let kinds: KindsClient | undefined;
  const asIs = (bytes: Buffer) => bytes;
  application.addService(
    {
      echo: {
        path: "/test.Echo/echo",
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      async echo({ metadata, request }: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
        const traceparent = String(metadata.get("traceparent")[0]);
        for (const method of ["One", "Chat"] as const) await kinds?.call(method, [noteOf("x")], { traceparent });
        done(null, request);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    application.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const middle = startSidecarForTest(`
${idl.schema}
name: echo
listeners: [{ kind: local, side: provider, address: "127.0.0.1:0" }, { kind: local, address: "127.0.0.1:0" }]
upstreams:
  echo: { protocol: grpc, endpoints: ["127.0.0.1:${port}"], services: [test.Echo], local: true }
  kinds:
    protocol: grpc
    services: [kinds.Kinds]
    balance: { policy: round-robin }
    endpoints:
      - { address: "127.0.0.1:${one.port}", labels: { version: v1 } }
      - { address: "127.0.0.1:${two.port}", labels: { version: v2 } }
`);
  kinds = new KindsClient(await middle.addressOf("local"));
  onTestFinished(() => kinds?.close());
  const to = `protocol: sidecar, codec: protobuf, endpoints: [{ address: "${await middle.addressOf("provider")}", labels: { version: v2 } }]`;
  const beta =
    "{ match: { headers: { tenant: beta } }, to: { upstream: echo, labels: { version: v2 }, follow: true } }";
  const first = startSidecarForTest(callerConfig(to, `routes: [${beta}]`));
  const client = await clientOf(first);

  const traceOf = (i: number) => ({ traceparent: `00-${String(i).padStart(32, "a")}-b7ad6b7169203331-00` });
  for (let i = 0; i < 10; i++) {
    expect((await client.echo("hello", { tenant: "beta", ...traceOf(i) })).status.code).toBe(status.OK);
  }
  expect([one.seen.metadata.length, two.seen.metadata.length]).toEqual([0, 20]);
  for (let i = 0; i < 20; i++) await client.echo("hello", traceOf(i));
  expect(one.seen.metadata.length).toBeGreaterThan(0);
});
