// gRPC-Web's unary calls, binary and text (grpc/grpc, doc/PROTOCOL-WEB.md): gRPC's messages over HTTP/1.1, the trailers in a
// last frame of the body.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Reply } from "../../rpc/call.ts";
import { exceptionStatus } from "../../rpc/status.ts";
import { writeMetadata } from "../grpc/header-list.ts";
import { MessageCollector, writeMessage } from "../grpc/message.ts";
import { writeStatus } from "../grpc/status.ts";
import { parseTimeout } from "../grpc/timeout.ts";
import { callOf, callOrError, type Dialect, type DialectContext, mediaTypeOf, methodOfPath } from "./dialect.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { writeResponseMetadata } from "./http-metadata.ts";

const TRAILERS_FLAG = 0x80;

/** Reads POST with the content type `application/grpc-web` or `application/grpc-web-text`, with or without `+proto`. */
export const grpcWebDialect: Dialect = (request, context) => {
  const contentType = mediaTypeOf(request.headers);
  const isText = contentType.startsWith("application/grpc-web-text");
  return {
    call: callOrError(() => readCall(request, isText, context)),
    writeReply: (answer) => writeReply(answer, contentType, isText),
  };
};

function readCall(request: HttpRequest, isText: boolean, context: DialectContext): Call {
  const { headers, path, body } = request;
  const encoding = headers.get("grpc-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new RpcError("UNIMPLEMENTED", `the grpc-encoding ${encoding.slice(0, 100)} is not served: expected identity`);
  }
  const timeout = headers.get("grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the grpc-timeout ${timeout.slice(0, 100)}: expected at most 8 digits and one of H M S m u n`,
    );
  }
  const method = methodOfPath(path, context);
  const collector = new MessageCollector(context.maxMessageBytes);
  collector.push(isText ? decodeText(body) : body);
  const bytes = collector.finish()?.bytes;
  if (bytes === undefined) throw new RpcError("INTERNAL", "the call came without its message");
  return callOf(request, { inbound: "grpc-web", method, codec: "protobuf", bytes, timeoutMs }, context);
}

/** The bytes of base64 that may be several padded pieces, one behind the other. */
function decodeText(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) {
    throw new RpcError("INVALID_ARGUMENT", "the body is not base64, as application/grpc-web-text has it");
  }
  const padding = text.indexOf("=");
  if (padding < 0 || padding >= text.length - 2) return Buffer.from(text, "base64");
  return Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((piece) => Buffer.from(piece, "base64")));
}

function writeReply(answer: Reply | RpcError, contentType: string, isText: boolean): HttpResponse {
  const headers = ["content-type", contentType];
  writeResponseMetadata(answer.headers, headers);
  const trailers: string[] = [];
  let message: Uint8Array | undefined;
  if (answer instanceof RpcError) {
    writeStatus(answer, trailers);
  } else if (answer.payload.codec !== "protobuf") {
    const came = `the reply came as ${answer.payload.codec}: expected protobuf`;
    writeStatus(new RpcError("INTERNAL", came), trailers);
  } else if (answer.kind === "exception") {
    writeStatus(answer.status ?? exceptionStatus(answer.field, answer.payload.bytes), trailers);
  } else {
    trailers.push("grpc-status", "0");
    message = writeMessage(answer.payload.bytes);
  }
  writeMetadata(answer.trailers, trailers);
  const frames = [...(message ? [message] : []), writeTrailers(trailers)];
  const body = Buffer.concat(frames);
  return { status: 200, headers: Metadata.fromFlat(headers), body: isText ? body.toString("base64") : body };
}

/** `80 | u32 length | name: value CRLF …` */
function writeTrailers(list: readonly string[]): Uint8Array {
  let text = "";
  for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\r\n`;
  const frame = writeMessage(Buffer.from(text, "latin1"));
  frame[0] = TRAILERS_FLAG;
  return frame;
}
