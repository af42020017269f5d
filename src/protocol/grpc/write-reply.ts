// From a reply to the response that says it, for those who serve gRPC.
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { Reply } from "../../rpc/call.ts";
import { exceptionStatus } from "../../rpc/status.ts";
import { type Dress, writeResponseHead } from "./dress.ts";
import { type HeaderList, writeMetadata } from "./header-list.ts";
import { writeMessage } from "./message.ts";
import { writePushback, writeStatus } from "./status.ts";

/** What goes over one stream: `trailers` undefined means that the headers end it (trailers-only, or plain HTTP). */
export interface Response {
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  readonly trailers: HeaderList | undefined;
}

const OK_TRAILERS: HeaderList = ["grpc-status", "0"];

/** The response to a call. A declared exception or an error is a status without a message. */
export function writeReply(dress: Dress, answer: Reply | RpcError): Response {
  if (answer instanceof RpcError) {
    const headers = writeResponseHead(dress, undefined);
    writeFailure(answer, headers);
    return { headers, body: undefined, trailers: undefined };
  }
  const { codec, bytes, compression } = answer.payload;
  if (codec !== "protobuf") {
    return writeReply(dress, new RpcError("INTERNAL", `the reply came as ${codec}: expected protobuf`));
  }
  if (answer.kind === "exception") {
    const headers = writeResponseHead(dress, compression);
    writeMetadata(answer.headers, headers);
    writeMetadata(answer.trailers, headers);
    writeStatus(answer.status ?? exceptionStatus(answer.field, bytes), headers);
    return { headers, body: undefined, trailers: undefined };
  }
  return {
    headers: writeHeaders(dress, compression, answer.headers),
    body: writeMessage(bytes, compression !== undefined),
    trailers: writeTrailers(answer.trailers),
  };
}

function writeHeaders(dress: Dress, compression: Compression | undefined, metadata: Metadata): HeaderList {
  if (metadata.size === 0 && compression === undefined && dress.plain !== undefined) return dress.plain;
  const headers = writeResponseHead(dress, compression);
  writeMetadata(metadata, headers);
  return headers;
}

function writeTrailers(metadata: Metadata): HeaderList {
  if (metadata.size === 0) return OK_TRAILERS;
  const trailers = [...OK_TRAILERS];
  writeMetadata(metadata, trailers);
  return trailers;
}

/** Appends an error's metadata and status to the headers or trailers that it ends a response with. */
export function writeFailure(error: RpcError, headers: string[]): void {
  for (const [name, value] of error.headers) {
    if (name === "grpc-accept-encoding" && !headers.includes(name)) headers.push(name, value);
  }
  writeMetadata(error.headers, headers);
  writeMetadata(error.trailers, headers);
  writeStatus(error, headers);
  writePushback(error, headers);
}
