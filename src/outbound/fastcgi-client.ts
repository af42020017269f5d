// HTTP requests to a FastCGI application such as PHP-FPM, over kept connections with one request at a time on each. What is in
// them is left to http-upstream.ts.
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Metadata } from "../base/metadata.ts";
import { createRecordReader, type RecordReader } from "../protocol/fastcgi/record.ts";
import { writeRequest } from "../protocol/fastcgi/request.ts";
import { type CgiResponse, createResponseCollector } from "../protocol/fastcgi/response.ts";
import type { OutgoingRequest, PeerResponse } from "../protocol/http/http.ts";
import type { AnyCall } from "../rpc/call.ts";
import { abortError } from "./call-end.ts";
import { type ConnectionPool, createConnectionPool, type PooledConnection, type Waiter } from "./connection-pool.ts";
import type { Dialer } from "./dialer.ts";
import type { HttpTransport } from "./http-client.ts";

export interface FastCgiClientOptions {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  /** Most calls that wait for a connection; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
  /** Largest body of a response, in bytes. */
  readonly maxMessageBytes: number;
  /** The host that the application is told. */
  readonly authority: string;
  /** The file that answers every request, as the application finds it. */
  readonly script: string;
}

/** What the client works with. */
export interface FastCgiClientContext {
  readonly dialer: Dialer;
  /** What errors call the endpoint. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A transport to one FastCGI application. */
export function createFastCgiClient(options: FastCgiClientOptions, context: FastCgiClientContext): HttpTransport {
  const pool = createConnectionPool(options, { ...context, createReader: createRecordReader });
  return {
    send: (request, call) =>
      new Promise((resolve, reject) => exchange(request, call, pool, options, context, resolve, reject)),
    close: pool.close,
  };
}

/** One request on one connection. */
function exchange(
  request: OutgoingRequest,
  call: AnyCall,
  pool: ConnectionPool<RecordReader>,
  options: FastCgiClientOptions,
  { name, log }: FastCgiClientContext,
  resolve: (response: PeerResponse) => void,
  reject: (error: RpcError) => void,
): void {
  const { signal } = call;
  let connection: PooledConnection<RecordReader> | undefined;
  if (signal.aborted) {
    reject(abortError(call, false));
    return;
  }
  signal.addEventListener("abort", onAbort);
  const collector = createResponseCollector(options.maxMessageBytes);
  const waiter: Waiter<RecordReader> = { ready, failed, left: false };
  pool.acquire(waiter);

  function ready(acquired: PooledConnection<RecordReader>): void {
    connection = acquired;
    acquired.listener = { data, closed };
    acquired.socket.write(writeRequest(variablesOf(request, options), request.body));
  }

  function data(): void {
    if (!connection) return;
    try {
      let response: CgiResponse | undefined;
      for (let record = connection.reader.next(); record && !response; record = connection.reader.next()) {
        response = collector.push(record);
        if (response) break;
      }
      if (!response) return;
      const used = connection;
      settle();
      // More than one response: the next call would take it for its own.
      if (used.reader.isEmpty) pool.release(used);
      else used.socket.destroy();
      if (response.errors !== "") log.warn({ endpoint: name, text: response.errors }, "FastCGI error log");
      resolve(peerResponse(response));
    } catch (error) {
      const used = connection;
      settle();
      used.socket.destroy();
      reject(toRpcError(error));
    }
  }

  function settle(): void {
    if (connection) connection.listener = undefined;
    connection = undefined;
    signal.removeEventListener("abort", onAbort);
  }

  function closed(error: Error | undefined): void {
    settle();
    const reason = error?.message ?? "the peer closed the connection";
    const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
    reject(new RpcError("UNAVAILABLE", text, { sent: true, cause: error }));
  }

  function failed(error: RpcError): void {
    settle();
    reject(error);
  }

  /** PHP-FPM reads nothing while it works, so the connection is all that can tell it. */
  function onAbort(): void {
    waiter.left = true;
    const used = connection;
    settle();
    used?.socket.destroy();
    reject(abortError(call, used !== undefined));
  }
}

function peerResponse({ status, headers, body, errors }: CgiResponse): PeerResponse {
  // What it says to its caller of a script that it does not find is less than what it says to its log.
  const unfound = status === 404 && errors !== "";
  return { status, headers: Metadata.fromFlat(headers), body: unfound ? Buffer.from(`${errors}\n`) : body };
}

/** The variables of CGI for a request (RFC 3875, section 4.1). */
function variablesOf({ path, headers, body }: OutgoingRequest, { script, authority }: FastCgiClientOptions): string[] {
  const variables = new Map<string, string>([
    ["GATEWAY_INTERFACE", "CGI/1.1"],
    ["SERVER_PROTOCOL", "HTTP/1.1"],
    ["SERVER_SOFTWARE", "causeway"],
    ["SERVER_NAME", authority],
    ["REMOTE_ADDR", "127.0.0.1"],
    ["REQUEST_METHOD", "POST"],
    ["REQUEST_URI", path],
    ["QUERY_STRING", ""],
    ["DOCUMENT_ROOT", dirname(script)],
    ["SCRIPT_FILENAME", script],
    ["SCRIPT_NAME", path],
    ["CONTENT_LENGTH", String(body.length)],
    ["HTTP_HOST", authority],
  ]);
  const spelt = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) addHeader(headers[i]!, headers[i + 1]!, variables, spelt);
  return [...variables].flat();
}

/** Two headers that become one variable must not be taken for each other: the first keeps it, its repetitions are joined. */
function addHeader(name: string, value: string, variables: Map<string, string>, spelt: Map<string, string>): void {
  // PHP and libraries take HTTP_PROXY for their own proxy.
  if (name === "proxy") return;
  const variable = name === "content-type" ? "CONTENT_TYPE" : `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
  const known = variables.get(variable);
  if (known === undefined) {
    variables.set(variable, value);
    spelt.set(variable, name);
  } else if (spelt.get(variable) === name) variables.set(variable, `${known}, ${value}`);
}
