// Health checking (doc/health-checking.md of gRPC): whether a service can be called through this sidecar now. The name ""
// is the sidecar itself.

import protobuf from "protobufjs/light.js";
import type { CancelSignal } from "../base/cancel.ts";
import type { Stop } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { Handler, Payload, Reply } from "../rpc/call.ts";
import type { Resolver } from "../rpc/endpoint.ts";
import type { StreamCall, StreamHandler } from "../rpc/stream.ts";
import type { Method } from "../schema/model.ts";
import { streamReply } from "./stream-reply.ts";

/** As grpc.health.v1.HealthCheckResponse.ServingStatus numbers them. */
const STATUS = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
type Status = (typeof STATUS)[keyof typeof STATUS];

export interface GrpcHealthOptions {
  /** The upstream of each service, by the service's full name; undefined for those that the sidecar answers itself. */
  readonly services: ReadonlyMap<string, string | undefined>;
  readonly resolver: Resolver;
}

export interface GrpcHealth {
  readonly check: Handler;
  readonly list: Handler;
  /** Answers with the status now and then each change, until its caller leaves or the sidecar stops. */
  readonly watch: StreamHandler;
  /** Says that the sidecar takes calls, which it does not at first. */
  start(): void;
  /** Nothing is served any more: watchers hear it, and their streams end with UNAVAILABLE, so that nothing waits for them. */
  stop(): void;
  /** Another of these takes over: watchers hear no status, only that their streams end, so that they ask the other. */
  replace(): void;
}

/**
 * A service is SERVING while the sidecar takes calls and the service's upstream has any endpoint; one that has no route is
 * NOT_FOUND (Check) or SERVICE_UNKNOWN (Watch).
 */
export function createGrpcHealth({ services, resolver }: GrpcHealthOptions): GrpcHealth {
  let state: "starting" | "serving" | "stopped" | "replaced" = "starting";
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const wake of [...watchers]) wake();
  };
  const { hasEndpoints, stopWatching } = watchEndpoints(resolver, changed);

  function statusOf(service: string): Status {
    if (service === "") return state === "serving" ? STATUS.SERVING : STATUS.NOT_SERVING;
    if (!services.has(service)) return STATUS.SERVICE_UNKNOWN;
    if (state !== "serving") return STATUS.NOT_SERVING;
    const upstream = services.get(service);
    return upstream === undefined || hasEndpoints(upstream) ? STATUS.SERVING : STATUS.NOT_SERVING;
  }

  /** Resolves at the next change, or when the caller goes away. */
  function nextChange(signal: CancelSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    function wake(): void {
      watchers.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    }
    watchers.add(wake);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
    return promise;
  }

  async function* follow(call: StreamCall): AsyncGenerator<Payload> {
    const service = readRequest(await onlyMessage(call));
    let last: Status | undefined;
    while (!call.signal.aborted) {
      if (state === "replaced") throw new RpcError("UNAVAILABLE", "the sidecar has another config now: ask again");
      const status = statusOf(service);
      if (status !== last) {
        last = status;
        yield payloadOf(call.method, writeStatus(protobuf.Writer.create(), status).finish());
      } else if (state === "stopped") throw new RpcError("UNAVAILABLE", "the sidecar is stopping");
      else await nextChange(call.signal);
    }
  }

  function end(as: "stopped" | "replaced"): void {
    if (state !== "stopped") state = as;
    stopWatching();
    changed();
  }

  return {
    async check({ method, payload }) {
      const service = readRequest(payload);
      const status = statusOf(service);
      if (status === STATUS.SERVICE_UNKNOWN) {
        throw new RpcError("NOT_FOUND", `no service ${JSON.stringify(service.slice(0, 200))} is served here`);
      }
      return replyOf(method, writeStatus(protobuf.Writer.create(), status).finish());
    },
    async list({ method }) {
      const writer = protobuf.Writer.create();
      for (const service of ["", ...services.keys()]) {
        writer.uint32(10).fork().uint32(10).string(service).uint32(18).fork();
        writeStatus(writer, statusOf(service)).ldelim().ldelim();
      }
      return replyOf(method, writer.finish());
    },
    watch: (call) => Promise.resolve(streamReply(follow(call))),
    start() {
      state = "serving";
      changed();
    },
    stop: () => end("stopped"),
    replace: () => end("replaced"),
  };
}

/** Knows which upstreams have endpoints, of each from the first time that it is asked; `changed` is called when that changes. */
function watchEndpoints(
  resolver: Resolver,
  changed: () => void,
): { hasEndpoints(upstream: string): boolean; stopWatching: Stop } {
  const reachable = new Map<string, boolean>();
  const stops: Stop[] = [];

  function watch(upstream: string): void {
    const stop = resolver.watch(upstream, ({ endpoints }) => {
      const before = reachable.get(upstream);
      reachable.set(upstream, endpoints.length > 0);
      if (before !== undefined && before !== endpoints.length > 0) changed();
    });
    stops.push(stop);
  }

  return {
    hasEndpoints(upstream) {
      if (!reachable.has(upstream)) watch(upstream);
      return reachable.get(upstream) ?? false;
    },
    stopWatching() {
      for (const stop of stops.splice(0)) stop();
    },
  };
}

/** The request of a call that streams only its answers. */
async function onlyMessage({ messages }: StreamCall): Promise<Payload> {
  const first = await messages[Symbol.asyncIterator]().next();
  if (!first.done) return first.value;
  throw new RpcError("INVALID_ARGUMENT", "the call came without its message");
}

/** The name in a HealthCheckRequest. */
function readRequest({ codec, bytes }: Payload): string {
  if (codec !== "protobuf") {
    throw new RpcError("UNIMPLEMENTED", `health is asked over gRPC, and the call came as ${codec}: expected protobuf`);
  }
  let service = "";
  try {
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len) {
      const key = reader.uint32();
      if (key === 10) service = reader.string();
      else reader.skipType(key & 7);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RpcError("INVALID_ARGUMENT", `not a HealthCheckRequest: ${why}`);
  }
  return service;
}

/** A HealthCheckResponse. */
function writeStatus(writer: protobuf.Writer, status: Status): protobuf.Writer {
  return writer.uint32(8).int32(status);
}

function payloadOf(method: Method, bytes: Uint8Array): Payload {
  return { type: method.response, codec: "protobuf", bytes };
}

function replyOf(method: Method, bytes: Uint8Array): Reply {
  return { kind: "result", payload: payloadOf(method, bytes), headers: Metadata.EMPTY, trailers: Metadata.EMPTY };
}
