// How a server is asked whether it can take calls: over a connection, or with a call as its upstream gets them.
import protobuf from "protobufjs/light.js";
import { HEALTH_PROTO } from "../admin/grpc-protos.ts";
import type { Address } from "../base/address.ts";
import { Canceller } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { Codec } from "../codec/codec.ts";
import { probeHttp, probeTcp } from "../outbound/probe.ts";
import type { TlsDialer } from "../outbound/tls-dialer.ts";
import { newFacts, type Reply } from "../rpc/call.ts";
import type { Connect, EndpointHandler } from "../rpc/connect.ts";
import type { Endpoint } from "../rpc/endpoint.ts";
import type { HealthProbe, ProbeKind } from "../rpc/health-check.ts";
import { createLookup } from "../rpc/resolve.ts";
import { type Method, methodsOf } from "../schema/model.ts";

/** How the server's upstream is called. */
export interface ProbeContext {
  /** For connections of the probe's own: calls and checks do not wait for each other. */
  readonly connect: Connect;
  /** Undefined without TLS. */
  readonly tls: TlsDialer | undefined;
  readonly codec: Codec;
  readonly clock: Clock;
}

/** A probe of an endpoint, which must answer within `timeoutMs`. */
export function createHealthProbe(
  endpoint: Endpoint,
  probe: ProbeKind,
  timeoutMs: number,
  { connect, tls, codec, clock }: ProbeContext,
): HealthProbe {
  const { address } = endpoint;
  switch (probe.kind) {
    case "tcp":
      return { probe: () => probeTcp(address, timeoutMs, clock), close() {} };
    case "http":
      return { probe: () => probeHttp(withPort(address, probe.port), probe.path, timeoutMs, clock, tls), close() {} };
    case "grpc": {
      const client = connect(endpoint);
      const check = methodsOf(HEALTH_PROTO.services[0]!).find(({ name }) => name === "Check")!;
      const bytes = protobuf.Writer.create().uint32(10).string(probe.service).finish();
      const ask = async () => checkServing(await call(client, check, { codec: "protobuf", bytes }, timeoutMs, clock));
      return { probe: ask, close: () => void client.close() };
    }
    case "thrift": {
      const client = connect(endpoint);
      const names = createLookup([]);
      const lookup = codec === "protobuf" ? names.kitexProtobuf : names.thrift;
      const method = lookup(probe.method, probe.service);
      // Arguments without a field; in Thrift those end with a zero.
      const bytes = codec === "protobuf" ? new Uint8Array(0) : Uint8Array.of(0);
      const ask = async () => void (await call(client, method, { codec, bytes }, timeoutMs, clock));
      return { probe: ask, close: () => void client.close() };
    }
  }
}

/** The same host at another port; who has a unix socket is on this one. */
function withPort(address: Address, port: number | undefined): Address {
  if (port === undefined) return address;
  return { kind: "tcp", host: address.kind === "tcp" ? address.host : "127.0.0.1", port };
}

async function call(
  client: EndpointHandler,
  method: Method,
  { codec, bytes }: { readonly codec: Codec; readonly bytes: Uint8Array },
  timeoutMs: number,
  clock: Clock,
): Promise<Reply> {
  const signal = new Canceller();
  const late = () => signal.abort(new RpcError("DEADLINE_EXCEEDED", `no answer within ${timeoutMs} ms`));
  const stop = clock.after(timeoutMs, late);
  try {
    return await client.handle({
      method,
      payload: { type: undefined, codec, bytes },
      headers: Metadata.EMPTY,
      expiresAtMs: clock.turnMs() + timeoutMs,
      signal,
      facts: newFacts("health-check", ""),
    });
  } finally {
    stop();
  }
}

/** Throws unless the HealthCheckResponse says SERVING. */
function checkServing({ payload }: Reply): void {
  const reader = protobuf.Reader.create(payload.bytes);
  let status = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 8) status = reader.int32();
    else reader.skipType(tag & 7);
  }
  if (status === 1) return;
  const name = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"][status] ?? String(status);
  throw new Error(`grpc.health.v1.Health says ${name}, expected SERVING`);
}
