import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Address } from "../../../src/base/address.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { upstreamTlsOptions } from "../../../src/credentials/tls-options.ts";
import { probeHttp, probeTcp } from "../../../src/outbound/probe.ts";
import { createTlsDialer } from "../../../src/outbound/tls-dialer.ts";
import { whatIsMissing } from "../../../tools/toolchain.ts";
import { createAuthority } from "../../certificates.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { quietLog } from "../../quiet-log.ts";

async function listen(server: Server): Promise<Address> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { kind: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

test("a server that can be connected to is there, and one that is gone is not", async () => {
  const server = createServer((socket) => socket.on("error", () => {}));
  const address = await listen(server);
  await probeTcp(address, 5_000, systemClock);
  server.close();
  await once(server, "close");
  await expect(probeTcp(address, 5_000, systemClock)).rejects.toThrow("ECONNREFUSED");
});

test.each([
  [204, true],
  [302, false],
  [503, false],
])("an HTTP server that answers %i is there: %s", async (status, isThere) => {
  const seen: string[] = [];
  const server = createHttpServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    outgoing.writeHead(status).end();
  });
  const probed = probeHttp(await listen(server), "/healthz?full", 5_000, systemClock);
  if (isThere) await probed;
  else await expect(probed).rejects.toThrow(`GET /healthz?full was answered with ${status}, expected 200 to 299`);
  expect(seen).toEqual(["GET /healthz?full"]);
});

test("a server that does not answer in time is not there", async () => {
  const asked = Promise.withResolvers<void>();
  const address = await listen(
    createServer((socket) => {
      socket.on("error", () => {}).once("data", () => asked.resolve());
    }),
  );
  const clock = createFakeClock();
  const probed = probeHttp(address, "/", 1_000, clock);
  const failed = expect(probed).rejects.toThrow("no answer within 1000 ms");
  await asked.promise;
  clock.advance(1_000);
  await failed;
});

test("an endless answer is not read", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createHttpServer((_, outgoing) => {
    outgoing.on("close", () => closed.resolve());
    const more = (): void => void (outgoing.write("x".repeat(65_536)) && setImmediate(more));
    outgoing.on("drain", more);
    more();
  });
  await probeHttp(await listen(server), "/", 5_000, systemClock);
  await closed.promise;
});

test("over TLS it is asked over TLS, and a certificate of somebody else's is a failure", async ({ skip }) => {
  const missing = whatIsMissing(["openssl"]);
  if (missing) skip(missing);
  const authority = createAuthority();
  onTestFinished(authority.remove);
  const { cert, key } = authority.issue("server", { names: "DNS:shop.internal" });
  const pems = { cert: readFileSync(cert), key: readFileSync(key) };
  const address = await listen(createHttpsServer(pems, (_, outgoing) => void outgoing.writeHead(200).end()));
  const tlsOf = (serverName: string) =>
    createTlsDialer(upstreamTlsOptions.parse({ ca: authority.ca, serverName }), undefined, quietLog);
  await probeHttp(address, "/", 5_000, systemClock, tlsOf("shop.internal"));
  await expect(probeHttp(address, "/", 5_000, systemClock, tlsOf("till.internal"))).rejects.toThrow("till.internal");
});
