// From a message to the reply that it is, for those who call Thrift servers: held against the call that it answers, and looked
// into no further than to tell results from exceptions.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Reply } from "../../rpc/call.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { readRetryInfo } from "../../rpc/retry-info.ts";
import { thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { readApplicationException } from "./application-exception.ts";
import { EXCEPTION_TYPE, fromApplicationException, ThriftFault } from "./codes.ts";
import { COMPACT_TYPE } from "./compact-walker.ts";
import { codecOf } from "./dialect.ts";
import { type Dress, type Dressed, undress } from "./dress.ts";
import { eachCompactField, eachField } from "./fields.ts";
import { type ReplyHeaders, readReplyHeaders } from "./header-keys.ts";
import { readBusinessError } from "./kitex-keys.ts";
import { MESSAGE, type ReadHeader, readWholeHeader } from "./message.ts";
import { TYPE } from "./struct-walker.ts";

/** What a reply says beside its answer, to the connection that it came over. */
export type ConnectionNews = Pick<ReplyHeaders, "profile" | "reset">;

const NO_NEWS: ReplyHeaders = {
  headers: Metadata.EMPTY,
  trailers: Metadata.EMPTY,
  status: undefined,
  sent: true,
  profile: false,
  reset: false,
};

/** The bounds of what is read of a reply. */
export interface ReplyLimits {
  readonly maxDepth: number;
  /** Most bytes that a compressed payload may inflate to. */
  readonly maxFrameBytes: number;
}

/** What stands beside a message that has no headers of its own, as in HTTP's. */
export type Beside = Pick<ReplyHeaders, "headers" | "trailers" | "status">;

/**
 * Reads the message that answers a call, without the length of its frame; `learn` hears what it says of the connection,
 * also when it throws. Throws a RpcError: origin `peer` for a TApplicationException; INTERNAL when the message is
 * malformed, belongs to another call or lacks its result.
 */
export function readReply(
  message: Uint8Array,
  dress: Dress,
  method: Method,
  limits: ReplyLimits,
  learn?: (news: ConnectionNews) => void,
  beside?: Beside,
): Reply {
  try {
    const { framing, frame, payload } = undressReply(message, dress, limits);
    const news = frame ? readReplyHeaders(frame, framing) : beside ? { ...NO_NEWS, ...beside } : NO_NEWS;
    learn?.(news);
    const header = readWholeHeader(payload);
    const { type, bodyOffset } = header;
    if (type === MESSAGE.EXCEPTION) return thrown(payload, header, dress, method, news, limits);
    checkInStep(header, dress);
    const business = framing === "ttheader" && readBusinessError(news.headers, news.trailers, news.status);
    if (business) throw business;
    if (type !== MESSAGE.REPLY) throw broken(`message type ${type} is no reply: expected 2 (reply) or 3 (exception)`);
    return replyOf(payload.subarray(bodyOffset), dress, method, news, limits.maxDepth);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // A malformed request is the caller's fault, a malformed reply is not.
    throw error.sent || error.origin === "peer" ? error : broken(error.message, error.cause);
  }
}

/** A reply wears the framing of its call, or none but its length, as of a server that could not read the call. */
function undressReply(message: Uint8Array, dress: Dress, { maxFrameBytes }: ReplyLimits): Dressed {
  const dressed = undress(message, dress.framing, maxFrameBytes);
  const { frame } = dressed;
  if (frame && frame.sequenceId !== dress.frameId) {
    throw broken(`the frame of the reply has the sequence id ${frame.sequenceId}: expected ${dress.frameId}`);
  }
  return dressed;
}

/** What a oneway call resolves to: the empty result of a method that returns nothing. */
export function onewayReply({ response }: Method, codec: Codec): Reply {
  const bytes = new Uint8Array(codec === "protobuf" ? 0 : 1);
  return {
    kind: "result",
    payload: { type: response, codec, bytes },
    headers: Metadata.EMPTY,
    trailers: Metadata.EMPTY,
  };
}

/** A TApplicationException as the error that it is, or as the declared exception that Protobuf has no other place for. */
function thrown(
  payload: Uint8Array,
  header: ReadHeader,
  dress: Dress,
  method: Method,
  { status, sent, headers, trailers }: ReplyHeaders,
  { maxDepth }: ReplyLimits,
): Reply {
  const exception = readApplicationException(payload, header, maxDepth);
  // A server that could not read the call may not know whose it was; its text is then the best there is to tell.
  if (header.sequenceId !== dress.sequenceId) {
    throw broken(`an exception for call ${header.sequenceId} instead of ${dress.sequenceId}: ${exception.message}`);
  }
  const declared = status && header.envelope === "kitex-protobuf" && thrownException(method, status.details);
  if (declared) {
    const { field, type, bytes } = declared;
    return { kind: "exception", field, status, payload: { type, codec: "protobuf", bytes }, headers, trailers };
  }
  const error = fromApplicationException(exception);
  const options = { origin: "peer", sent, headers, trailers, cause: error.cause } as const;
  if (!status) throw new RpcError(error.code, error.message, options);
  const { details } = status;
  const retryAfterMs = readRetryInfo(details);
  throw new RpcError(status.code, status.message || error.message, { ...options, details, retryAfterMs });
}

function checkInStep({ envelope, sequenceId, name }: ReadHeader, dress: Dress): void {
  if (sequenceId !== dress.sequenceId) {
    throw broken(`the reply has the sequence id ${sequenceId}: expected ${dress.sequenceId}`);
  }
  if (name !== dress.name) throw broken(`the reply is to the method "${name}": expected "${dress.name}"`);
  if (codecOf(envelope) !== codecOf(dress.envelope)) {
    throw broken(`the reply is written as ${envelope}: expected ${dress.envelope}`);
  }
}

/** The first field that the method declares says what the result struct holds; nothing behind it is looked at. */
function replyOf(
  bytes: Uint8Array,
  { envelope }: Dress,
  method: Method,
  { headers, trailers }: ReplyHeaders,
  maxDepth: number,
): Reply {
  const { response } = method;
  const payload = { type: response, codec: codecOf(envelope), bytes };
  const result: Reply = { kind: "result", payload, headers, trailers };
  if (response === undefined) return result;
  if (envelope === "kitex-protobuf") {
    const exception = exceptionInResponse(method, bytes);
    return exception ? { ...result, exception } : result;
  }
  const compact = envelope === "compact";
  // Mostly it is field 0, and the first.
  if (compact ? beginsWithCompactZero(bytes) : beginsWithZero(bytes)) return result;
  let reply: Reply | undefined;
  let unknown = "nothing";
  const structType = compact ? COMPACT_TYPE.STRUCT : TYPE.STRUCT;
  (compact ? eachCompactField : eachField)(bytes, 0, maxDepth, (id, type) => {
    const field = type === structType ? method.throws.find((declared) => declared.id === id) : undefined;
    if (id === 0) reply = result;
    else if (field) reply = { kind: "exception", field, payload, headers, trailers };
    else unknown = `field ${id}, which is not declared here`;
    return reply === undefined;
  });
  if (reply) return reply;
  if (!response.fieldsById.has(0)) return result;
  throw broken(`missing result: ${method.name} returned ${unknown}`, new ThriftFault(EXCEPTION_TYPE.MISSING_RESULT));
}

function beginsWithZero(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes[0] !== TYPE.STOP && bytes[1] === 0 && bytes[2] === 0;
}

/** No id is 0 below the one before it, so field 0 has its id written out. */
function beginsWithCompactZero(bytes: Uint8Array): boolean {
  return bytes.length > 1 && bytes[0] !== COMPACT_TYPE.STOP && bytes[0]! <= 0x0f && bytes[1] === 0;
}

function broken(message: string, cause?: unknown): RpcError {
  return new RpcError("INTERNAL", message, { sent: true, cause });
}
