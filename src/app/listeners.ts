// The listeners of a config. They stay as they are while configs come and go: what they serve is asked for at each call.

import { isRegistration } from "../admin/registration.ts";
import { type Address, formatAddress } from "../base/address.ts";
import type { Limits } from "../codec/codec.ts";
import type { Config, ListenerConfig } from "../config.ts";
import type { Handlers } from "../governance/pipeline.ts";
import type { Side } from "../governance/route.ts";
import type { ListenerContext } from "../inbound/connection.ts";
import { createHttpListener } from "../inbound/http-listener.ts";
import { createLocalListener } from "../inbound/local-listener.ts";
import { guardBrowsers } from "../protocol/http/browser-guard.ts";
import type { HttpHandler, HttpStreamHandler } from "../protocol/http/http.ts";
import { createHttpPort, createHttpPortStreams, type HttpPortContext } from "../protocol/http/http-port.ts";
import type { StreamHandler } from "../rpc/stream.ts";

/** An address that cannot be listened on: in use, not ours, or not permitted. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** A listener that takes calls. */
export interface OpenListener {
  readonly kind: ListenerConfig["kind"];
  /** Of a local listener. */
  readonly side?: Side | undefined;
  /** With the port that the system chose where 0 was asked for. */
  readonly address: Address;
  /** Stops accepting, and lets what is in flight finish for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** What the listeners serve. */
export interface ListenersContext extends ListenerContext {
  /** What a request to an HTTP port is answered by; asked for at each. */
  readonly httpPort: () => HttpPortContext & { readonly handleStream: StreamHandler };
  readonly admin: HttpHandler;
  /** What servers of this host register by. */
  readonly registration: HttpHandler;
  /** What becomes of calls of other sidecars. */
  readonly provider: Handlers;
}

/** Of every HTTP listener: on hyper-express the first one sets it for all. */
const MAX_HEADER_BYTES = 32_768;
const MAX_ADMIN_BODY_BYTES = 1_024;

/**
 * Opens all listeners and returns them in the order of the config. Rejects with a ListenError when an address cannot be
 * had; those that are open by then are in `open`, which is the caller's to close.
 */
export async function openListeners(
  { listeners, limits }: Config,
  context: ListenersContext,
  open: (OpenListener | undefined)[],
): Promise<void> {
  for (const [i, options] of httpFirst(listeners)) {
    try {
      open[i] = await openListener(options, limits, addressOfHttp(open), context);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new ListenError(`cannot listen on ${formatAddress(options.address)} (${options.kind}): ${why}`, {
        cause: error,
      });
    }
  }
}

/** The listeners with their places in the config, HTTP's first: the local ones tell where it is. */
function httpFirst(listeners: readonly ListenerConfig[]): readonly (readonly [number, ListenerConfig])[] {
  const all = [...listeners.entries()];
  const isHttp = ([, { kind }]: readonly [number, ListenerConfig]): boolean => kind === "http";
  return [...all.filter(isHttp), ...all.filter((each) => !isHttp(each))];
}

function addressOfHttp(open: readonly (OpenListener | undefined)[]): string | undefined {
  const http = open.find((listener) => listener?.kind === "http");
  return http && formatAddress(http.address);
}

function openListener(
  options: ListenerConfig,
  limits: Limits,
  httpAddress: string | undefined,
  context: ListenersContext,
): Promise<OpenListener> {
  switch (options.kind) {
    case "local":
      return openLocal(options, limits, httpAddress, context);
    case "http":
      return openHttp(options, limits, context);
    case "admin":
      return openAdmin(options, context);
  }
}

async function openLocal(
  options: Extract<ListenerConfig, { kind: "local" }>,
  { maxBytes, maxDepth }: Limits,
  httpAddress: string | undefined,
  { provider, ...context }: ListenersContext,
): Promise<OpenListener> {
  const { defaultService, side } = options;
  const bounds = { maxDepth, maxFrameBytes: maxBytes, maxMessageBytes: maxBytes };
  const served = side === "provider" ? { ...context, ...provider } : context;
  const listener = await createLocalListener({ ...options, ...bounds, defaultService, httpAddress }, served);
  return { kind: "local", side, address: listener.address, close: listener.close };
}

async function openHttp(
  options: Extract<ListenerConfig, { kind: "http" }>,
  { maxBytes }: Limits,
  { log, clock, tlsFailed, httpPort, registration }: ListenersContext,
): Promise<OpenListener> {
  const ports = new WeakMap<HttpPortContext, { whole: HttpHandler; stream: HttpStreamHandler }>();
  // No web page has any business there.
  const register = guardBrowsers({ ...options, allowedOrigins: [] }, registration);
  function currentPort(): { whole: HttpHandler; stream: HttpStreamHandler } {
    const context = httpPort();
    let port = ports.get(context);
    if (!port) {
      const bounded = { ...options, maxMessageBytes: maxBytes };
      port = { whole: createHttpPort(bounded, context), stream: createHttpPortStreams(bounded, context) };
      ports.set(context, port);
    }
    return port;
  }
  const handler: HttpHandler = (request) => {
    return isRegistration(request) ? register(request) : currentPort().whole(request);
  };
  const stream: HttpStreamHandler = (head) => currentPort().stream(head);
  const bounds = { maxBodyBytes: maxBytes, maxHeaderBytes: MAX_HEADER_BYTES };
  const listener = await createHttpListener({ ...options, ...bounds, stream }, handler, log, clock, tlsFailed);
  return { kind: "http", address: listener.address, close: listener.close };
}

async function openAdmin(
  options: Extract<ListenerConfig, { kind: "admin" }>,
  { admin, log, clock, tlsFailed }: ListenersContext,
): Promise<OpenListener> {
  const bounds = { maxBodyBytes: MAX_ADMIN_BODY_BYTES, maxHeaderBytes: MAX_HEADER_BYTES };
  const listener = await createHttpListener(
    { ...options, ...bounds },
    guardBrowsers(options, admin),
    log,
    clock,
    tlsFailed,
  );
  return { kind: "admin", address: listener.address, close: listener.close };
}
