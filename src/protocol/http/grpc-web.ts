// gRPC-Web's calls, binary and text (grpc/grpc, doc/PROTOCOL-WEB.md): gRPC's messages over HTTP/1.1, the trailers in a last
// frame of the body.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Reply } from "../../rpc/call.ts";
import { exceptionStatus } from "../../rpc/status.ts";
import { writeMetadata } from "../grpc/header-list.ts";
import { MessageCollector, writeMessage } from "../grpc/message.ts";
import { ACCEPTED_ENCODINGS, parseAccepted, parseEncoding } from "../grpc/message-encoding.ts";
import { writeStatus } from "../grpc/status.ts";
import { writeStreamEnd } from "../grpc/stream-verbs.ts";
import { parseTimeout } from "../grpc/timeout.ts";
import { createBase64Decoder } from "./base64-stream.ts";
import { callOf, callOrError, type Dialect, type DialectContext, mediaTypeOf, methodOfPath } from "./dialect.ts";
import type { HttpRequest, HttpRequestHead, HttpResponse } from "./http.ts";
import { writeResponseMetadata } from "./http-metadata.ts";
import type { StreamDialect, StreamDress, StreamHead } from "./stream-dialect.ts";

const TRAILERS_FLAG = 0x80;

/** What a call wore, and its answer wears again. */
interface Dress {
  readonly contentType: string;
  readonly codec: "json" | "protobuf";
  readonly isText: boolean;
  /** Whether the caller has said what it takes compressed messages in, and hears what may be sent to it. */
  readonly accepts: boolean;
}

function dressOf({ headers }: HttpRequestHead): Dress {
  const contentType = mediaTypeOf(headers);
  return {
    contentType,
    codec: contentType.endsWith("+json") ? "json" : "protobuf",
    isText: contentType.startsWith("application/grpc-web-text"),
    accepts: parseAccepted(headers.get("grpc-accept-encoding")) !== undefined,
  };
}

/** Reads POST with the content type `application/grpc-web` or `application/grpc-web-text`, with or without `+proto` or `+json`. */
export const grpcWebDialect: Dialect = (request, context) => {
  const dress = dressOf(request);
  return {
    call: callOrError(() => readCall(request, dress, context)),
    writeReply: (answer) => writeReply(answer, dress),
  };
};

/** Reads the head of the same requests; undefined when the method has one message each way. */
export const grpcWebStreamDialect: StreamDialect = (request, context) => {
  const dress = dressOf(request);
  const head = callOrError(() => readHead(request, dress, context));
  if (!(head instanceof RpcError) && head.method.streaming === "none" && head.method.request !== undefined) {
    return undefined;
  }
  return { head, dress: streamDress(dress) };
};

function readHead({ headers, path }: HttpRequestHead, { codec }: Dress, context: DialectContext): StreamHead {
  const timeout = headers.get("grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the grpc-timeout ${timeout.slice(0, 100)}: expected at most 8 digits and one of H M S m u n`,
    );
  }
  return {
    inbound: "grpc-web",
    method: methodOfPath(path, context),
    codec,
    compression: parseEncoding(headers.get("grpc-encoding")),
    accepts: parseAccepted(headers.get("grpc-accept-encoding")),
    timeoutMs,
  };
}

function readCall(request: HttpRequest, dress: Dress, context: DialectContext): Call {
  const { inbound, method, codec, compression, accepts, timeoutMs } = readHead(request, dress, context);
  const collector = new MessageCollector(context.maxMessageBytes, compression);
  collector.push(dress.isText ? decodeText(request.body) : request.body);
  const message = collector.finish();
  if (message === undefined) throw new RpcError("INTERNAL", "the call came without its message");
  const call = callOf(request, { inbound, method, codec, bytes: message.bytes, timeoutMs }, context);
  const payload = message.compression ? { ...call.payload, compression: message.compression } : call.payload;
  // Replies in JSON are made here, and nothing compresses them.
  return { ...call, payload, ...(accepts && codec === "protobuf" && { accepts }) };
}

function decodeText(body: Uint8Array): Uint8Array {
  const decoder = createBase64Decoder();
  return Buffer.concat([decoder.push(body), decoder.finish()]);
}

function writeReply(answer: Reply | RpcError, dress: Dress): HttpResponse {
  const headers = headersOf(dress, "payload" in answer ? answer.payload.compression : undefined);
  writeResponseMetadata(answer.headers, headers);
  const trailers: string[] = [];
  let message: Uint8Array | undefined;
  if (answer instanceof RpcError) {
    writeStatus(answer, trailers);
  } else if (answer.kind === "exception") {
    writeStatus(answer.status ?? exceptionStatus(answer.field, answer.payload.bytes), trailers);
  } else if (answer.payload.codec !== dress.codec) {
    const came = `the reply came as ${answer.payload.codec}: expected ${dress.codec}`;
    writeStatus(new RpcError("INTERNAL", came), trailers);
  } else {
    trailers.push("grpc-status", "0");
    message = writeMessage(answer.payload.bytes, answer.payload.compression !== undefined);
  }
  writeMetadata(answer.trailers, trailers);
  const body = Buffer.concat([...(message ? [message] : []), writeTrailers(trailers)]);
  return { status: 200, headers: Metadata.fromFlat(headers), body: dress.isText ? body.toString("base64") : body };
}

function headersOf({ contentType, accepts }: Dress, compression: string | undefined): string[] {
  const headers = ["content-type", contentType];
  if (compression !== undefined) headers.push("grpc-encoding", compression);
  if (accepts) headers.push("grpc-accept-encoding", ACCEPTED_ENCODINGS);
  return headers;
}

function streamDress(dress: Dress): StreamDress {
  return {
    isText: dress.isText,
    headers(reply) {
      const headers = headersOf(dress, reply?.compression);
      if (reply) writeResponseMetadata(reply.headers, headers);
      return Metadata.fromFlat(headers);
    },
    end: (end) => writeTrailers(writeStreamEnd(end)),
  };
}

/** `80 | u32 length | name: value CRLF …` */
function writeTrailers(list: readonly string[]): Uint8Array {
  let text = "";
  for (let i = 0; i < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\r\n`;
  const frame = writeMessage(Buffer.from(text, "latin1"));
  frame[0] = TRAILERS_FLAG;
  return frame;
}
