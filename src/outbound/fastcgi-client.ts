// HTTP requests to a FastCGI application such as PHP-FPM, over kept connections with one request at a time on each. What is in
// them is left to http-upstream.ts.
import { dirname } from "node:path";
import type { Log } from "../base/log.ts";
import { Metadata } from "../base/metadata.ts";
import { createRecordReader, type RecordReader } from "../protocol/fastcgi/record.ts";
import { writeRequest } from "../protocol/fastcgi/request.ts";
import { type CgiResponse, createResponseCollector } from "../protocol/fastcgi/response.ts";
import type { OutgoingRequest, PeerResponse } from "../protocol/http/http.ts";
import { createConnectionPool } from "./connection-pool.ts";
import type { HttpClientContext, HttpTransport } from "./http-client.ts";
import { type Exchange, exchangeOnPool, onWritten } from "./pooled-exchange.ts";

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
export interface FastCgiClientContext extends HttpClientContext {
  readonly log: Log;
}

/** A transport to one FastCGI application. */
export function createFastCgiClient(options: FastCgiClientOptions, context: FastCgiClientContext): HttpTransport {
  const pool = createConnectionPool(options, { ...context, createReader: createRecordReader });
  return {
    send: (request, call, written) =>
      exchangeOnPool(exchangeOf(request, options, context), call, pool, context.name, written),
    connections: pool.connections,
    close: pool.close,
  };
}

function exchangeOf(
  request: OutgoingRequest,
  options: FastCgiClientOptions,
  { name, log }: FastCgiClientContext,
): Exchange<RecordReader> {
  const collector = createResponseCollector(options.maxMessageBytes);
  return {
    write(socket, written) {
      socket.write(writeRequest(variablesOf(request, options), request.body), onWritten(written));
    },
    read(reader) {
      let response: CgiResponse | undefined;
      for (let record = reader.next(); record && !response; record = reader.next()) {
        response = collector.push(record);
        if (response) break;
      }
      if (!response) return undefined;
      if (response.errors !== "") log.warn({ endpoint: name, text: response.errors }, "FastCGI error log");
      return peerResponse(response);
    },
    end: () => undefined,
    mayStay: (reader) => reader.isEmpty(),
  };
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
