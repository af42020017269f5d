// HTTP/1.1 requests to one endpoint over kept connections, by node:http. What is in them is left to http-upstream.ts.
import {
  Agent,
  type ClientRequest,
  type ClientRequestArgs,
  request as httpRequest,
  type IncomingMessage,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { OutgoingRequest, PeerResponse } from "../protocol/http/http.ts";
import type { AnyCall } from "../rpc/call.ts";
import { abortError } from "./call-end.ts";
import type { Dialer } from "./dialer.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Carries requests to one endpoint, and their responses back; rejects with a RpcError and nothing else. */
export interface HttpTransport {
  /** Sends a request for a call; a call that is aborted closes the connection that it is on. */
  send(request: OutgoingRequest, call: AnyCall): Promise<PeerResponse>;
  /** Closes the connections when the requests in flight are done. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  /** Most calls that wait for a connection; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
  /** Largest body of a response, in bytes. */
  readonly maxMessageBytes: number;
  /** The host that servers are told. */
  readonly authority: string;
}

const MAX_HEADER_BYTES = 65_536;

/** Told what becomes of a connection that is not there yet. */
type Failed = (error: RpcError) => void;

/** An agent whose connections are opened by a dialer. */
class DialingAgent extends Agent {
  readonly connected = new WeakSet<Socket>();
  /** The connections with a request on them. */
  readonly busy = new WeakSet<Socket>();
  /** Who waits for a connection, and what they are told when it fails. */
  readonly waiting = new WeakMap<Socket, Failed>();
  readonly #dialer: Dialer;

  constructor(dialer: Dialer, { maxConnections, idleTimeoutMs }: HttpClientOptions) {
    // How many are in use is counted by those who use them: requests that an agent keeps waiting are not told of failures.
    super({ keepAlive: true, scheduling: "lifo", timeout: idleTimeoutMs, maxFreeSockets: maxConnections });
    this.#dialer = dialer;
  }

  override createConnection(
    _: ClientRequestArgs,
    created?: (error: Error | null, socket: Duplex) => void,
  ): Socket | undefined {
    const refusal = this.#dialer.refusal();
    if (refusal) {
      // There is no socket to hand over, which the type has no word for.
      (created as ((error: Error) => void) | undefined)?.(refusal);
      return undefined;
    }
    const socket = this.#dialer.dial({
      connected: () => void this.connected.add(socket),
      failed: (error) => this.waiting.get(socket)?.(error),
      // Whoever is on it hears of it from node:http.
      closed: () => {},
    });
    // What nobody asked for would be taken for the response to the next request.
    socket.on("data", () => void (this.busy.has(socket) || socket.destroy()));
    return socket;
  }
}

/** A call that waits for a free connection. */
interface Waiter {
  start(): void;
  /** Set when it does not want one any more. */
  left: boolean;
}

/** A transport to the endpoint that `dialer` opens connections to and errors call `name`. */
export function createHttpClient(dialer: Dialer, name: string, options: HttpClientOptions): HttpTransport {
  const agent = new DialingAgent(dialer, options);
  const waiters = new WaitingLine<Waiter>(name, options.maxPending);
  let inUse = 0;
  const closed = Promise.withResolvers<void>();
  let closing = false;

  /** A connection is free, or is no more. */
  function released(): void {
    inUse--;
    waiters.next()?.start();
    if (closing && inUse === 0) finish();
  }

  function finish(): void {
    agent.destroy();
    closed.resolve();
  }

  function begin(request: OutgoingRequest, call: AnyCall, settle: Settle): void {
    inUse++;
    exchange(request, call, agent, name, options, settle, released);
  }

  function wait(request: OutgoingRequest, call: AnyCall, settle: Settle): void {
    const waiter = { start, left: false };
    const refusal = waiters.add(waiter);
    if (refusal) {
      settle(refusal);
      return;
    }
    call.signal.addEventListener("abort", onAbort);
    function start(): void {
      call.signal.removeEventListener("abort", onAbort);
      begin(request, call, settle);
    }
    function onAbort(): void {
      waiter.left = true;
      settle(abortError(call, false));
    }
  }

  return {
    send(request, call) {
      if (call.signal.aborted) return Promise.reject(abortError(call, false));
      if (closing) {
        return Promise.reject(new RpcError("UNAVAILABLE", `the connections to ${name} are being closed`));
      }
      return new Promise((resolve, reject) => {
        const settle: Settle = (outcome) => (outcome instanceof RpcError ? reject(outcome) : resolve(outcome));
        if (inUse < options.maxConnections) begin(request, call, settle);
        else wait(request, call, settle);
      });
    },
    close() {
      closing = true;
      if (inUse === 0) finish();
      return closed.promise;
    },
  };
}

type Settle = (outcome: PeerResponse | RpcError) => void;

/** One request and its response; `settle` is called once, and `released` when its connection can be used again or is gone. */
function exchange(
  { path, headers, body }: OutgoingRequest,
  call: AnyCall,
  agent: DialingAgent,
  name: string,
  { authority, maxMessageBytes }: HttpClientOptions,
  settle: Settle,
  released: () => void,
): void {
  let isOver = false;
  let socket: Socket | undefined;
  const outgoing: ClientRequest = httpRequest({
    agent,
    method: "POST",
    path,
    // As raw headers, which keeps those that are repeated.
    headers: ["host", authority, "content-length", String(body.length), ...headers],
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  call.signal.addEventListener("abort", onAbort);
  outgoing.on("socket", (given) => {
    socket = given;
    agent.busy.add(given);
    if (!agent.connected.has(given)) agent.waiting.set(given, end);
  });
  outgoing.on("response", (response) => receive(response, maxMessageBytes, end, onError));
  outgoing.on("error", onError);
  outgoing.on("close", () => {
    // Behind an error or a response nobody hears it.
    onError(new Error("the peer closed the connection"));
    if (socket) agent.busy.delete(socket);
    // The agent gets the connection back right after this event.
    process.nextTick(released);
  });
  outgoing.end(body);

  function end(outcome: PeerResponse | RpcError): void {
    if (isOver) return;
    isOver = true;
    call.signal.removeEventListener("abort", onAbort);
    if (outcome instanceof RpcError) outgoing.destroy();
    settle(outcome);
  }

  function wasSent(): boolean {
    return socket !== undefined && agent.connected.has(socket);
  }

  function onError(error: Error): void {
    if (error instanceof RpcError) end(error);
    else if (wasSent()) end(brokenError(error, name));
    // The dialer knows better why there is no connection, and says so when the socket has closed.
    else if (socket === undefined || socket.closed) {
      end(new RpcError("UNAVAILABLE", `cannot connect to ${name}: ${error.message}`, { cause: error }));
    }
  }

  function onAbort(): void {
    end(abortError(call, wasSent()));
  }
}

/** Collects the body of a response. */
function receive(response: IncomingMessage, maxBytes: number, end: Settle, onError: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) end(tooLarge(maxBytes));
    else chunks.push(chunk);
  });
  response.on("error", onError);
  response.on("end", () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
    end({ status: response.statusCode ?? 0, headers: headersOf(response.rawHeaders), body });
  });
}

function headersOf(raw: readonly string[]): Metadata {
  return Metadata.fromFlat(raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text)));
}

function tooLarge(maxBytes: number): RpcError {
  const text = `the response passes the limit of ${maxBytes} bytes (maxMessageBytes)`;
  return new RpcError("RESOURCE_EXHAUSTED", text, { sent: true });
}

/** What node:http makes of bytes that are no HTTP begins with HPE. */
function brokenError(error: Error, name: string): RpcError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const options = { sent: true, cause: error } as const;
  if (code === "HPE_HEADER_OVERFLOW") {
    return new RpcError(
      "RESOURCE_EXHAUSTED",
      `the response has more than ${MAX_HEADER_BYTES} bytes of headers`,
      options,
    );
  }
  if (code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE") {
    return new RpcError("INTERNAL", `the response of ${name} is no HTTP/1.1: ${error.message}`, options);
  }
  const text = `the connection to ${name} broke before the reply was whole: ${error.message}`;
  return new RpcError("UNAVAILABLE", text, options);
}
