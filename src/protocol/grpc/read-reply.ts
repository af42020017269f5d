// From a response to the reply that it is, for those who call gRPC servers.
import type { Compression } from "../../base/compression.ts";
import { RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Reply } from "../../rpc/call.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { type HeaderList, headerOf, readMetadata } from "./header-list.ts";
import { payloadOf, type ReceivedMessage } from "./message.ts";
import { readEncoding } from "./message-encoding.ts";
import { readStatus, retryAfterOf } from "./status.ts";

/** What came back over one stream; `message` is without its prefix. */
export interface ReceivedResponse {
  readonly headers: HeaderList;
  readonly message: ReceivedMessage | undefined;
  /** Undefined when the headers ended the stream. */
  readonly trailers: HeaderList | undefined;
}

/**
 * Reads the response to a call: a message with status OK is a result; a status with a detail of a type that the method
 * throws is that exception. Throws a RpcError for any other status, origin `peer`, and for an OK without its message.
 */
export function readReply(
  { headers, message, trailers }: ReceivedResponse,
  method: Method,
  accepts?: readonly Compression[],
): Reply {
  const status = readEnd(headers, trailers);
  const metadata = trailers === undefined ? Metadata.EMPTY : readMetadata(headers);
  const trailing = readMetadata(trailers ?? headers);
  if (status) return declared(status, method, metadata, trailing, retryAfterOf(trailers ?? headers, status));
  if (message === undefined) throw new RpcError("INTERNAL", "the status is OK but no message came", { sent: true });
  const payload = payloadOf(method.response, message);
  const result = { kind: "result", payload, headers: metadata, trailers: trailing } as const;
  if (message.compression !== undefined) {
    // Nobody unpacks it to see whether it holds an exception.
    checkAccepted(message.compression, accepts);
    return result;
  }
  const exception = exceptionInResponse(method, message.bytes);
  return exception ? { ...result, exception } : result;
}

/**
 * How a response ended: undefined for OK. Throws a RpcError of the peer for what is no gRPC response, such as a proxy's
 * error page. `trailers` is undefined when the headers ended the stream.
 */
export function readEnd(headers: HeaderList, trailers: HeaderList | undefined): Status | undefined {
  const httpStatus = Number(headerOf(headers, ":status"));
  const contentType = headerOf(headers, "content-type");
  if (headerOf(headers, "grpc-status") === undefined && !contentType?.startsWith("application/grpc")) {
    throw new RpcError(
      readStatus([], httpStatus)?.code ?? "UNKNOWN",
      `the response has the HTTP status ${httpStatus} and the content type ${contentType?.slice(0, 100) ?? "none"}: expected application/grpc`,
      { origin: "peer", sent: true },
    );
  }
  return readStatus(trailers ?? headers, httpStatus);
}

/**
 * What the messages of a response are compressed with, by its headers. Throws a RpcError INTERNAL for a compression that
 * is not known here, as gRPC's compression.md asks of clients.
 */
export function readResponseEncoding(headers: HeaderList): Compression | undefined {
  try {
    return readEncoding(headers);
  } catch {
    const encoding = headerOf(headers, "grpc-encoding")?.slice(0, 100);
    throw new RpcError("INTERNAL", `the response is compressed with ${encoding}, which was not offered`, {
      sent: true,
    });
  }
}

/** Throws a RpcError INTERNAL for a message that its reader cannot unpack. */
function checkAccepted(compression: Compression, accepts: readonly Compression[] | undefined): void {
  if (accepts?.includes(compression)) return;
  const text = `the response is compressed with ${compression}, which was not offered`;
  throw new RpcError("INTERNAL", text, { sent: true });
}

function declared(
  status: Status,
  method: Method,
  headers: Metadata,
  trailers: Metadata,
  retryAfterMs: number | undefined,
): Reply {
  const { code, message, details } = status;
  const thrown = thrownException(method, details);
  if (thrown) {
    const payload = { type: thrown.type, codec: "protobuf", bytes: thrown.bytes } as const;
    return { kind: "exception", field: thrown.field, status, payload, headers, trailers };
  }
  throw new RpcError(code, message, { origin: "peer", sent: true, details, headers, trailers, retryAfterMs });
}
