// Thrift's four verbs: from a message to a call, from a reply to a message, and the same for the other direction. The
// bytes of the bodies are the codec's; here they are only carried.
import { type CancelSignal, NEVER_CANCELLED } from "../../base/cancel.ts";
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Codec } from "../../codec/codec.ts";
import { isBusinessError } from "../../rpc/business-error.ts";
import type { Call, Facts, Reply } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import { exceptionInResponse } from "../../rpc/response-oneof.ts";
import { readRetryInfo } from "../../rpc/retry-info.ts";
import { exceptionStatus, thrownException } from "../../rpc/status.ts";
import type { Method } from "../../schema/model.ts";
import { readApplicationException, writeApplicationException } from "./application-exception.ts";
import { EXCEPTION_TYPE, fromApplicationException, ThriftFault, toApplicationException } from "./codes.ts";
import { COMPACT_TYPE } from "./compact-walker.ts";
import { codecOf, type Dialect, type Framing } from "./dialect.ts";
import { type Dressed, dressEncoded, dressMessage, protocolIdOf, undress } from "./dress.ts";
import { eachCompactField, eachField } from "./fields.ts";
import { frameFlags, frameSequenceId, headerKind, OUT_OF_ORDER_FLAG } from "./header-frame.ts";
import {
  type HeaderFraming,
  type ReplyHeaders,
  type ReplyToWrite,
  type RequestHeaders,
  readReplyHeaders,
  readRequestHeaders,
  writeReplyHeaders,
  writeRequestHeaders,
} from "./header-keys.ts";
import { readBusinessError, writeBusinessError } from "./kitex-keys.ts";
import { type CallHeads, callHead, replyHead } from "./known-heads.ts";
import { MESSAGE, type ReadHeader, readMessageHeader } from "./message.ts";
import { TYPE } from "./struct-walker.ts";

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress extends Dialect {
  /** The bare method, without the service of a multiplexed name. */
  readonly name: string;
  /** The message's own. */
  readonly sequenceId: number;
  /** Whether the caller waits for a message. */
  readonly answered: boolean;
  /** The sequence id of the frame, where the framing has one; the reply has it too. */
  readonly frameId: number;
  readonly flags: number;
  readonly zlib: boolean;
  /** Whether the caller speaks Causeway's profile. */
  readonly profile: boolean;
}

/** Whether a caller matches the replies on its connection by id but does not speak Causeway's profile, as Kitex does. */
export function isKitexMux({ framing, flags, profile }: Dress): boolean {
  return framing === "ttheader" && !profile && (flags & OUT_OF_ORDER_FLAG) !== 0;
}

/** Whether the reply has to wait for those to earlier calls: the caller matches them by order, as far as is known. */
export function isOrdered({ framing, flags }: Dress): boolean {
  return framing !== "ttheader" && (framing !== "theader" || (flags & OUT_OF_ORDER_FLAG) === 0);
}

/** What the connection knows of its calls. */
export interface CallContext {
  readonly lookup: Lookup;
  /** The listener's default service, if it has one. */
  readonly service: string | undefined;
  /** How to answer when a message does not even show its own dialect. */
  readonly dialect: Dialect;
  /** Aborted when the caller goes away. */
  readonly signal: CancelSignal;
  readonly facts: Facts;
  /** What THeader and TTHeader need, which any framed connection may speak; not needed without frames. */
  readonly headers?: HeaderContext;
}

/** What the connection knows of calls that have headers. */
export interface HeaderContext {
  /** The signal of a call that its caller may cancel alone, by the sequence id of its frame. */
  readonly cancellable: (frameId: number) => CancelSignal;
  readonly nowMs: number;
  /** Most bytes that a compressed payload may inflate to. */
  readonly maxFrameBytes: number;
  /** Whether the caller is a sidecar, so that what sidecars tell each other in headers is believed. */
  readonly fromSidecar: boolean;
}

/** A call to handle, or the error to answer with; the dress either way. */
export type ReadCall =
  | { readonly dress: Dress; readonly call: Call }
  | { readonly dress: Dress; readonly error: RpcError };

const NO_HEADERS: RequestHeaders = {
  metadata: Metadata.EMPTY,
  service: undefined,
  timeoutMs: undefined,
  profile: false,
};

/** Reads one message, without the length of its frame. What is wrong with it comes back as the error to answer with. */
export function readCall(message: Uint8Array, context: CallContext): ReadCall {
  const { dialect, headers: own } = context;
  let dress: Dress | undefined;
  let zlib = false;
  try {
    const dressed = undress(message, dialect.framing, own?.maxFrameBytes ?? 0);
    zlib = dressed.zlib;
    const header = wholeHeader(dressed.payload);
    checkFamily(header, dialect);
    dress = dressOf(dressed, header);
    if (header.type !== MESSAGE.CALL && header.type !== MESSAGE.ONEWAY) {
      throw new RpcError(
        "INVALID_ARGUMENT",
        `message type ${header.type} is no request: expected 1 (call) or 4 (oneway)`,
        { cause: new ThriftFault(EXCEPTION_TYPE.INVALID_MESSAGE_TYPE) },
      );
    }
    const { framing, frame } = dressed;
    const headers = frame ? readRequestHeaders(frame, framing, own?.fromSidecar ?? false) : NO_HEADERS;
    if (headers.profile) dress = { ...dress, profile: true };
    const call = callOf(dressed.payload, header, headers, dress, context);
    // Clients before 0.9.3 send oneway calls as plain ones, and wait for nothing all the same.
    // In Kitex-Protobuf they are calls of methods without a result, and wait for their end.
    const oneway = call.method.oneway && header.envelope !== "kitex-protobuf";
    return { dress: oneway ? { ...dress, answered: false } : dress, call };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { dress: dress ?? { ...namelessDress(message, dialect), zlib }, error };
  }
}

function callOf(
  payload: Uint8Array,
  header: ReadHeader,
  { metadata, service, timeoutMs, profile }: RequestHeaders,
  { frameId }: Dress,
  context: CallContext,
): Call {
  const { envelope, name, bodyOffset } = header;
  const codec = codecOf(envelope);
  const find = envelope === "kitex-protobuf" ? context.lookup.kitexProtobuf : context.lookup.thrift;
  // What a header says goes before the service of a multiplexed name.
  const method = service === undefined ? find(name, context.service) : find(bareName(name), service);
  const { cancellable, nowMs = 0 } = context.headers ?? {};
  if (method.streaming !== "none") {
    throw new RpcError("UNIMPLEMENTED", `${method.service}.${method.name} streams, which Thrift cannot`);
  }
  return {
    method,
    payload: { type: method.request, codec, bytes: payload.subarray(bodyOffset) },
    headers: metadata,
    expiresAtMs: timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowMs + timeoutMs,
    signal: method.oneway ? NEVER_CANCELLED : profile && cancellable ? cancellable(frameId) : context.signal,
    facts: context.facts,
  };
}

/**
 * The dress of a message that never came whole, from what there is of it, for the error that ends its connection. It
 * is nameless with sequence id 0 when its header is not there.
 */
export function readDress(unfinished: Uint8Array, dialect: Dialect): Dress {
  const unknown = namelessDress(unfinished, dialect);
  if (unknown.framing === "theader" || unknown.framing === "ttheader") return unknown;
  try {
    const header = readMessageHeader(unfinished);
    if (!header) return unknown;
    checkFamily(header, dialect);
    return dressOf({ framing: unknown.framing, zlib: false }, header);
  } catch {
    return unknown;
  }
}

/** What can be said before anything of a message has been understood. */
function namelessDress(message: Uint8Array, { framing, envelope }: Dialect): Dress {
  const plain = {
    envelope,
    name: "",
    sequenceId: 0,
    answered: true,
    frameId: 0,
    flags: 0,
    zlib: false,
    profile: false,
  };
  if (framing === "unframed" || framing === "framed") return { ...plain, framing };
  const kind = headerKind(message);
  if (kind === undefined) return { ...plain, framing: "framed" };
  const frameId = frameSequenceId(message);
  return { ...plain, framing: kind, sequenceId: frameId, frameId, flags: frameFlags(message) };
}

/** Without headers a connection keeps to the encoding that it began with; strict and old binary are one. */
function checkFamily({ envelope }: ReadHeader, dialect: Dialect): void {
  if (hasHeaders(dialect.framing) || codecOf(envelope) === codecOf(dialect.envelope)) return;
  throw new RpcError(
    "INVALID_ARGUMENT",
    `the message is ${codecOf(envelope)}: expected ${codecOf(dialect.envelope)}, as which the connection began`,
  );
}

function dressOf(
  { framing, frame, zlib }: Pick<Dressed, "framing" | "frame" | "zlib">,
  { envelope, name, type, sequenceId }: ReadHeader,
): Dress {
  return {
    framing,
    envelope,
    name: bareName(name),
    sequenceId,
    answered: type !== MESSAGE.ONEWAY,
    frameId: frame?.sequenceId ?? 0,
    flags: frame?.flags ?? 0,
    zlib,
    profile: false,
  };
}

/**
 * The message that answers a call, in the dress that the call wore; undefined when it is not answered. `reset` tells a
 * caller on TTHeader that the connection takes no further calls.
 */
export function writeReply(dress: Dress, answer: Reply | RpcError, reset = false): Uint8Array | undefined {
  if (!dress.answered) return undefined;
  if (answer instanceof RpcError) return writeError(dress, answer, reset);
  const { payload, headers, trailers } = answer;
  const codec = codecOf(dress.envelope);
  if (payload.codec !== codec) {
    const unexpected = new RpcError("INTERNAL", `the reply came as ${payload.codec}: expected ${codec}`);
    return writeError(dress, unexpected, reset);
  }
  try {
    if (answer.kind === "exception" && codec === "protobuf") {
      // Protobuf's reply has room for the result alone.
      const status = answer.status ?? exceptionStatus(answer.field, payload.bytes);
      const { code, message, details } = status;
      return writeError(dress, new RpcError(code, message, { sent: true, details, headers, trailers }), reset);
    }
    return dressReply(dress, MESSAGE.REPLY, payload.bytes, { headers, trailers, status: undefined, reset });
  } catch (error) {
    if (error instanceof RpcError) return writeError(dress, error, reset);
    throw error;
  }
}

function writeError(dress: Dress, error: RpcError, reset: boolean): Uint8Array {
  const body = writeApplicationException(dress.envelope, toApplicationException(error));
  const { headers, trailers } = error;
  try {
    if (dress.framing === "ttheader" && !dress.profile && isBusinessError(error)) {
      const nothing = NO_RESULT[codecOf(dress.envelope)];
      return dressReply(dress, MESSAGE.REPLY, nothing, { ...writeBusinessError(error), status: error, reset });
    }
    return dressReply(dress, MESSAGE.EXCEPTION, body, { headers, trailers, status: error, reset });
  } catch (tooLarge) {
    if (!(tooLarge instanceof RpcError)) throw tooLarge;
    // The error is worth more than what came with it.
    const alone = { headers: Metadata.EMPTY, trailers: Metadata.EMPTY, status: error, reset };
    return dressReply(dress, MESSAGE.EXCEPTION, body, alone);
  }
}

/** What stands where a result would. */
const NO_RESULT = {
  "thrift-binary": new Uint8Array(1),
  "thrift-compact": new Uint8Array(1),
  protobuf: new Uint8Array(0),
} as const;

function dressReply(dress: Dress, type: number, body: Uint8Array, reply: ReplyToWrite): Uint8Array {
  const { framing, envelope, name, sequenceId, frameId, zlib } = dress;
  const message = { envelope, name, type, sequenceId };
  const start = { flags: dress.flags & OUT_OF_ORDER_FLAG, sequenceId: frameId };
  if (framing === "ttheader") return dressEncoded(start, replyHead(protocolIdOf(envelope), reply), message, body);
  const head = framing === "theader" ? { ...start, zlib, pairs: writeReplyHeaders(reply, framing) } : undefined;
  return dressMessage(framing, head, message, body);
}

function hasHeaders(framing: Framing): framing is HeaderFraming {
  return framing === "theader" || framing === "ttheader";
}

/** How calls to an upstream are dressed. */
export interface WriteCallOptions extends Dialect {
  readonly sequenceId: number;
  /** Whether the name is written as `Service:method`, for a server with a multiplexed processor. */
  readonly multiplexed: boolean;
  /** Whether a payload on THeader is compressed. */
  readonly zlib: boolean;
  /** Whether the peer has shown that it speaks Causeway's profile. */
  readonly profile: boolean;
  readonly nowMs: number;
  /** What was written last to the same endpoint, where it is kept. */
  readonly heads?: CallHeads;
}

/**
 * The message of a call and what its reply is held against. Throws a RpcError: INTERNAL when the payload is not of the
 * dialect's codec, RESOURCE_EXHAUSTED when the headers pass 32 KiB.
 */
export function writeCall(
  { method, payload, headers, expiresAtMs, facts }: Call,
  options: WriteCallOptions,
): { readonly dress: Dress; readonly message: Uint8Array } {
  const { framing, envelope, sequenceId, multiplexed, zlib } = options;
  const codec = codecOf(envelope);
  if (payload.codec !== codec) {
    throw new RpcError("INTERNAL", `the call came as ${payload.codec}: expected ${codec}`);
  }
  const name = multiplexed ? `${bareService(method.service)}:${method.name}` : method.name;
  const answered = !method.oneway;
  const type = answered ? MESSAGE.CALL : MESSAGE.ONEWAY;
  const flags = framing === "ttheader" ? OUT_OF_ORDER_FLAG : 0;
  const dress: Dress = {
    framing,
    envelope,
    name: method.name,
    sequenceId,
    answered,
    frameId: sequenceId,
    flags,
    zlib,
    profile: options.profile,
  };
  const header = { envelope, name, type, sequenceId };
  if (!hasHeaders(framing)) return { dress, message: dressMessage(framing, undefined, header, payload.bytes) };
  const says = {
    metadata: headers,
    service: options.profile ? method.service : bareService(method.service),
    upstream: facts.upstream,
    method: method.name,
    messageType: type,
    timeoutMs: expiresAtMs - options.nowMs,
  };
  if (framing === "ttheader" && options.heads) {
    const head = callHead(method, protocolIdOf(envelope), says, options.heads);
    return { dress, message: dressEncoded(dress, head, header, payload.bytes) };
  }
  const head = { flags, sequenceId, zlib, ...writeRequestHeaders(says, framing) };
  return { dress, message: dressMessage(framing, head, header, payload.bytes) };
}

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
    const header = wholeHeader(payload);
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

function wholeHeader(message: Uint8Array): ReadHeader {
  const header = readMessageHeader(message);
  if (!header) {
    throw new RpcError("INVALID_ARGUMENT", `the message ends at byte ${message.length}, inside its header`);
  }
  return header;
}

function broken(message: string, cause?: unknown): RpcError {
  return new RpcError("INTERNAL", message, { sent: true, cause });
}

/** What follows the first `:` of a multiplexed name. */
function bareName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** Thrift servers register a service by the name in its IDL, which has no package. */
function bareService(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}
