// The clients for upstreams as the tests of them open them.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { RpcError } from "../../src/base/errors.ts";
import { connectGrpc, grpcUpstreamOptions } from "../../src/outbound/grpc-client.ts";
import { connectThrift, type ThriftUpstreamOptions, thriftUpstreamOptions } from "../../src/outbound/thrift-client.ts";
import type { EndpointHandler } from "../../src/rpc/connect.ts";
import type { Endpoint } from "../../src/rpc/endpoint.ts";
import { quietLog } from "../quiet-log.ts";

function endpointOf(port: number): Endpoint {
  return { upstream: "echo", address: { kind: "tcp", host: "127.0.0.1", port }, name: `127.0.0.1:${port}` };
}

/** A client of a Thrift server, until the test is over. */
export function thriftClient(port: number, changes: Partial<ThriftUpstreamOptions> = {}, clock = systemClock) {
  const wire = { framing: "framed", envelope: "strict" } as const;
  const handler = connectThrift(
    { ...thriftUpstreamOptions.parse({}), ...wire, ...changes },
    clock,
    quietLog,
  )(endpointOf(port));
  onTestFinished(() => handler.close());
  return handler;
}

/** A client of a gRPC server, until the test is over. */
export function grpcClient(port: number, clock = systemClock): EndpointHandler {
  const handler = connectGrpc(grpcUpstreamOptions.parse({}), clock, quietLog)(endpointOf(port));
  onTestFinished(() => handler.close());
  return handler;
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a call fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  const outcome = await promise.catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(RpcError);
  return outcome as RpcError;
}
