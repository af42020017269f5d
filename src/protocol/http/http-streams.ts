// The HTTP port's streams: requests whose bodies are messages of a streaming call, read as fast as the called reads them. Calls
// of one message each way, and all other requests, are left to http-port.ts.
import { RpcError, toRpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import { newFacts } from "../../rpc/call.ts";
import type { StreamCall, StreamHandler } from "../../rpc/stream.ts";
import { type CallerWire, serveStream } from "../grpc/serve-stream.ts";
import { createBase64Decoder } from "./base64-stream.ts";
import { type BrowserGuard, headersForOrigin } from "./browser-guard.ts";
import { connectStreamDialect } from "./connect-stream.ts";
import { type DialectContext, mediaTypeOf } from "./dialect.ts";
import { grpcWebStreamDialect } from "./grpc-web.ts";
import type { HttpRequestHead, HttpResponseStream, HttpStream, HttpStreamHandler } from "./http.ts";
import { readRequestMetadata } from "./http-metadata.ts";
import { loneRequests } from "./lone-requests.ts";
import type { StreamDialect, StreamDialectCall, StreamDress, StreamHead } from "./stream-dialect.ts";

/** By media type. */
const DIALECTS: ReadonlyMap<string, StreamDialect> = new Map([
  ["application/connect+json", connectStreamDialect],
  ["application/connect+proto", connectStreamDialect],
  ["application/grpc-web", grpcWebStreamDialect],
  ["application/grpc-web+json", grpcWebStreamDialect],
  ["application/grpc-web+proto", grpcWebStreamDialect],
  ["application/grpc-web-text", grpcWebStreamDialect],
  ["application/grpc-web-text+proto", grpcWebStreamDialect],
]);

/** What the streams work with. */
export interface HttpStreamsContext extends DialectContext {
  readonly handleStream: StreamHandler;
  readonly guard: BrowserGuard;
}

/** Takes the requests that are streaming calls, which go to `handleStream`; what the guard refuses is left to who answers it. */
export function createHttpStreams(context: HttpStreamsContext): HttpStreamHandler {
  const handle = loneRequests(context.handleStream);
  return (request) => {
    const dialect = request.method === "POST" ? DIALECTS.get(mediaTypeOf(request.headers)) : undefined;
    if (!dialect || context.guard.refusal(request)) return undefined;
    const read = dialect(request, context);
    return read && ((response) => open(read, request, response, handle, context));
  };
}

function open(
  { head, dress }: StreamDialectCall,
  request: HttpRequestHead,
  response: HttpResponseStream,
  handle: StreamHandler,
  { maxMessageBytes, nowMs }: HttpStreamsContext,
): HttpStream {
  const wire = wireOf(dress, request.headers.get("origin"), response);
  if (head instanceof RpcError) {
    wire.end(head, false);
    return refused(response);
  }
  const exchange = serveStream(wire, { handle, call: callOf(head, request, nowMs), maxMessageBytes });
  exchange.run();
  return dress.isText ? decoded(exchange, response) : exchange;
}

function callOf(
  head: StreamHead,
  request: HttpRequestHead,
  nowMs: () => number,
): Omit<StreamCall, "messages" | "signal"> {
  const { inbound, method, codec, compression, accepts, timeoutMs } = head;
  return {
    method,
    headers: readRequestMetadata(request.headers),
    expiresAtMs: timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowMs() + timeoutMs,
    facts: newFacts(inbound, request.peer, request.caller),
    codec,
    compression,
    ...(accepts && { accepts }),
  };
}

function wireOf(dress: StreamDress, origin: string | undefined, response: HttpResponseStream): CallerWire {
  function begin(headers: Metadata): void {
    response.begin(200, origin === undefined ? headers : headersForOrigin(headers, origin));
  }
  function write(bytes: Uint8Array): boolean {
    return response.write(dress.isText ? base64Of(bytes) : bytes);
  }
  return {
    begin: (reply) => begin(dress.headers(reply)),
    send: write,
    consumed: response.consumed,
    end(end, begun) {
      if (!begun) begin(dress.headers(undefined));
      write(dress.end(end));
      response.end();
    },
  };
}

/** Each frame a piece of its own, padded. */
function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(buffer, byteOffset, byteLength).toString("base64"), "latin1");
}

/** What is told of a request that has had its answer at once. */
function refused({ consumed }: HttpResponseStream): HttpStream {
  return { data: (bytes) => consumed(bytes.length), ended() {}, left() {}, drained() {} };
}

/** Takes base64 off what comes. What is counted is the bytes that it stands for; the characters are given back at once. */
function decoded(exchange: HttpStream & { cut(error: RpcError): void }, { consumed }: HttpResponseStream): HttpStream {
  const decoder = createBase64Decoder();
  function add(characters: number, decode: () => Uint8Array): void {
    try {
      const bytes = decode();
      consumed(characters - bytes.length);
      if (bytes.length > 0) exchange.data(bytes);
    } catch (error) {
      consumed(characters);
      exchange.cut(toRpcError(error));
    }
  }
  return {
    data: (characters) => add(characters.length, () => decoder.push(characters)),
    ended() {
      add(0, decoder.finish);
      exchange.ended();
    },
    left: exchange.left,
    drained: exchange.drained,
  };
}
