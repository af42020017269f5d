// Connect's streaming calls (connectrpc.com/docs/protocol): messages behind gRPC's prefix both ways, and a last one of JSON
// that says how the call ended. Over HTTP/1.1 a response may begin before its request has ended, and most callers read it then.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { writeMessage } from "../grpc/message.ts";
import { parseAccepted, parseEncoding } from "../grpc/message-encoding.ts";
import { versionOf } from "./connect.ts";
import { printError } from "./connect-error.ts";
import { callOrError, type DialectContext, mediaTypeOf, methodOfAnyWire, methodOfPath, timeoutOf } from "./dialect.ts";
import type { HttpRequestHead } from "./http.ts";
import { writeResponseMetadata } from "./http-metadata.ts";
import type { StreamDialect, StreamDress, StreamHead } from "./stream-dialect.ts";

/** The flag of the last message. */
const END_FLAG = 0x02;
/** What Connect names of the compressions that are known here. */
const ACCEPTED = "gzip";

/** Reads POST with the content type `application/connect+json` or `application/connect+proto`. */
export const connectStreamDialect: StreamDialect = (request, context) => {
  const contentType = mediaTypeOf(request.headers);
  return {
    head: callOrError(() => readHead(request, contentType === "application/connect+json", context)),
    dress: dressOf(contentType, context),
  };
};

function readHead({ headers, path }: HttpRequestHead, isJson: boolean, context: DialectContext): StreamHead {
  versionOf(headers);
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    const text = `the content-encoding ${encoding.slice(0, 100)} of a stream is not served: expected connect-content-encoding`;
    throw new RpcError("UNIMPLEMENTED", text);
  }
  const method = isJson ? methodOfAnyWire(path, context) : methodOfPath(path, context);
  if (method.streaming === "none" && method.request !== undefined) {
    const expected = "expected the content-type application/json or application/proto";
    throw new RpcError("UNIMPLEMENTED", `${method.service}/${method.name} does not stream: ${expected}`);
  }
  return {
    inbound: "connect",
    method,
    codec: isJson ? "json" : "protobuf",
    compression: compressionOf(headers),
    accepts: parseAccepted(headers.get("connect-accept-encoding"))?.filter((each) => each === ACCEPTED),
    timeoutMs: timeoutOf(headers),
  };
}

function compressionOf(headers: Metadata): StreamHead["compression"] {
  const encoding = headers.get("connect-content-encoding");
  if (encoding === undefined || encoding === "identity" || encoding === ACCEPTED) return parseEncoding(encoding);
  const said = encoding.slice(0, 100);
  throw new RpcError("UNIMPLEMENTED", `the connect-content-encoding ${said} is not served: expected ${ACCEPTED}`);
}

function dressOf(contentType: string, { printDetail }: DialectContext): StreamDress {
  return {
    isText: false,
    headers(reply) {
      const flat = ["content-type", contentType, "connect-accept-encoding", ACCEPTED];
      if (reply?.compression) flat.push("connect-content-encoding", reply.compression);
      if (reply) writeResponseMetadata(reply.headers, flat);
      return Metadata.fromFlat(flat);
    },
    end(end) {
      const said: string[] = [];
      if (end instanceof RpcError) writeResponseMetadata(end.headers, said);
      writeResponseMetadata(end instanceof RpcError ? end.trailers : end, said);
      const members = end instanceof RpcError ? [`"error":${printError(end, printDetail)}`] : [];
      if (said.length > 0) members.push(`"metadata":${printMetadata(said)}`);
      const frame = writeMessage(Buffer.from(`{${members.join(",")}}`));
      frame[0] = END_FLAG;
      return frame;
    },
  };
}

function printMetadata(flat: readonly string[]): string {
  const values = new Map<string, string[]>();
  for (let i = 0; i < flat.length; i += 2) {
    const [name, value] = [flat[i]!, flat[i + 1]!];
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  return JSON.stringify(Object.fromEntries(values));
}
