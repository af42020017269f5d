// gRPC's verbs for streams, on header lists as in gRPC's PROTOCOL-HTTP2: how a stream begins and how it ends. Its messages
// are read in message-stream.ts and written in send-messages.ts.
import { RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { StreamCall, StreamReply } from "../../rpc/stream.ts";
import { type Dress, writeResponseHead } from "./dress.ts";
import { type HeaderList, readMetadata, writeMetadata } from "./header-list.ts";
import type { CallContext, CallHead } from "./read-call.ts";
import { readEnd } from "./read-reply.ts";
import { retryAfterOf } from "./status.ts";
import { type WriteCallOptions, type WrittenCall, writeCallHead, writeTimeout } from "./write-call.ts";
import { writeFailure } from "./write-reply.ts";

/** The call of a request's headers, without the messages that follow them. */
export function readStream(
  { dress, method, headers, compression }: CallHead,
  { expiresAtMs, facts }: Pick<CallContext, "expiresAtMs" | "facts">,
): Omit<StreamCall, "messages" | "signal"> {
  const { accepts } = dress;
  const call = { method, headers, expiresAtMs, facts };
  return { ...call, ...(accepts && { accepts }), ...(compression && { compression }) };
}

/** The headers that begin a streaming response. */
export function writeStreamHead(dress: Dress, { headers, compression }: StreamReply): HeaderList {
  const list = writeResponseHead(dress, compression);
  writeMetadata(headers, list);
  return list;
}

/** The trailers of a stream: of OK, or of an error. */
export function writeStreamEnd(end: Metadata | RpcError): HeaderList {
  const trailers: string[] = [];
  if (end instanceof RpcError) writeFailure(end, trailers);
  else {
    trailers.push("grpc-status", "0");
    writeMetadata(end, trailers);
  }
  return trailers;
}

/** The headers of a streaming request, and how many metadata pairs they have no room for. */
export function writeStreamCall(call: StreamCall, options: WriteCallOptions): Omit<WrittenCall, "body"> {
  const { list, droppedMetadata } = writeCallHead(call, call.compression, options);
  return { headers: list, timeout: writeTimeout(call, options), droppedMetadata };
}

/**
 * The trailing metadata of a stream that has ended with OK. Throws a RpcError of the peer for any other status, and for
 * what is no gRPC response. `trailers` is undefined when the headers ended the stream.
 */
export function readStreamEnd(headers: HeaderList, trailers: HeaderList | undefined): Metadata {
  const status = readEnd(headers, trailers);
  const metadata = readMetadata(trailers ?? headers);
  if (!status) return metadata;
  const { code, message, details } = status;
  const retryAfterMs = retryAfterOf(trailers ?? headers, status);
  throw new RpcError(code, message, { origin: "peer", sent: true, details, trailers: metadata, retryAfterMs });
}
