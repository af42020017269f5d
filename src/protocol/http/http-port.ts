// The HTTP port: which dialect a request speaks, its call, and the answer in the same dialect. Sockets are the listener's.
import type { Clock } from "../../base/clock.ts";
import { type Compression, decompress } from "../../base/compression.ts";
import { RpcError, toRpcError } from "../../base/errors.ts";
import type { Call, Handler } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import type { StreamHandler } from "../../rpc/stream.ts";
import type { Service, Wire } from "../../schema/model.ts";
import { type BrowserGuardOptions, createBrowserGuard, guardBrowsers } from "./browser-guard.ts";
import { connectDialect, isConnectGet, readGet } from "./connect.ts";
import type { PrintDetail } from "./connect-error.ts";
import { decodeContent } from "./content-encoding.ts";
import { type Dialect, type DialectContext, type Exchange, mediaTypeOf } from "./dialect.ts";
import { grpcWebDialect } from "./grpc-web.ts";
import { type HttpHandler, type HttpRequest, type HttpResponse, type HttpStreamHandler, textResponse } from "./http.ts";
import { createHttpStreams } from "./http-streams.ts";
import { thriftDialect } from "./thrift-http.ts";

export interface HttpPortOptions extends BrowserGuardOptions {
  /** The service of Thrift calls that name none. */
  readonly defaultService?: string | undefined;
  readonly maxMessageBytes: number;
}

/** What the port works with. */
export interface HttpPortContext {
  readonly lookup: Lookup;
  /** The loaded services, of both wires. */
  readonly services: Iterable<Service>;
  readonly handle: Handler;
  readonly clock: Clock;
  readonly printDetail: PrintDetail;
}

/** By media type. None is one that a page may send without a preflight (Fetch standard, "CORS-safelisted request-header"). */
const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ["application/json", connectDialect],
  ["application/proto", connectDialect],
  ["application/grpc-web", grpcWebDialect],
  ["application/grpc-web+json", grpcWebDialect],
  ["application/grpc-web+proto", grpcWebDialect],
  ["application/grpc-web-text", grpcWebDialect],
  ["application/grpc-web-text+proto", grpcWebDialect],
  ["application/x-thrift", thriftDialect],
  ["application/vnd.apache.thrift.binary", thriftDialect],
  ["application/vnd.apache.thrift.compact", thriftDialect],
  ["application/vnd.apache.thrift.json", thriftDialect],
]);

const PAGE = `This port takes calls over HTTP/1.1:
  JSON and Connect: POST /package.Service/Method with content-type application/json or application/proto
  Connect streams:  the same with content-type application/connect+json or application/connect+proto
  Connect GET:      GET /package.Service/Method?connect=v1&encoding=json&message=… for methods without side effects
  gRPC-Web:         POST /package.Service/Method with content-type application/grpc-web or application/grpc-web-text
  Thrift:           POST /Service, or any path, with content-type application/x-thrift`;

/** Takes the requests that are streaming calls, which go to `handleStream`; all others are left to `createHttpPort`. */
export function createHttpPortStreams(
  options: HttpPortOptions,
  context: HttpPortContext & { readonly handleStream: StreamHandler },
): HttpStreamHandler {
  const { handleStream } = context;
  return createHttpStreams({ ...dialectContext(options, context), handleStream, guard: createBrowserGuard(options) });
}

function dialectContext(
  { defaultService, maxMessageBytes }: HttpPortOptions,
  { services, lookup, printDetail, clock }: HttpPortContext,
): DialectContext {
  const loaded = [...services];
  const namesOf = (wire: Wire) => new Set(loaded.filter((each) => each.wire === wire).map(({ fullName }) => fullName));
  return {
    lookup,
    printDetail,
    services: { thrift: namesOf("thrift"), protobuf: namesOf("protobuf") },
    defaultService,
    maxMessageBytes,
    nowMs: clock.turnMs,
  };
}

/** Answers every request whole; calls go to `handle`. What is no call is answered with a text that says what is served. */
export function createHttpPort(options: HttpPortOptions, port: HttpPortContext): HttpHandler {
  const { maxMessageBytes } = options;
  const { handle } = port;
  const context = dialectContext(options, port);

  async function exchange({ call, writeReply }: Exchange): Promise<HttpResponse> {
    if (call instanceof RpcError) return writeReply(call);
    const { compression, codec } = call.payload;
    if (compression !== undefined && codec === "json") {
      return exchange({ call: await unpacked(call, compression), writeReply });
    }
    return handle(call).then(writeReply, (error: unknown) => writeReply(toRpcError(error)));
  }

  /** Compressed Protobuf may pass as it is, but JSON is going to be read. */
  async function unpacked(call: Call, compression: Compression): Promise<Call | RpcError> {
    const { type, codec, bytes } = call.payload;
    const plain = await decompress(bytes, compression, maxMessageBytes, "INVALID_ARGUMENT").catch(toRpcError);
    return plain instanceof RpcError ? plain : { ...call, payload: { type, codec, bytes: plain } };
  }

  async function post(request: HttpRequest): Promise<HttpResponse> {
    const dialect = DIALECTS.get(mediaTypeOf(request.headers));
    if (!dialect) return refuseType(mediaTypeOf(request.headers));
    if (request.headers.get("content-encoding") === undefined) return exchange(dialect(request, context));
    const body = await decodeContent(request, maxMessageBytes).catch(toRpcError);
    // The dialect has the form of the answer even where it cannot read the body.
    if (body instanceof RpcError) return dialect(request, context).writeReply(body);
    return exchange(dialect({ ...request, body }, context));
  }

  return guardBrowsers(options, (request) => {
    switch (request.method) {
      case "POST":
        return post(request);
      case "GET":
      case "HEAD": {
        if (request.method === "HEAD" || !isConnectGet(request.query)) return textResponse(404, PAGE);
        const read = readGet(request, context);
        return "call" in read ? exchange(read) : read;
      }
      default:
        return textResponse(405, PAGE, [["allow", "GET, HEAD, POST"]]);
    }
  });
}

function refuseType(mediaType: string): HttpResponse {
  const said =
    mediaType === ""
      ? "a request without a content-type"
      : `the content-type ${JSON.stringify(mediaType.slice(0, 100))}`;
  const why = mediaType.startsWith("application/grpc")
    ? "gRPC needs HTTP/2, which the local port speaks"
    : `${said} is not served`;
  return textResponse(415, `${why}\n\n${PAGE}`);
}
