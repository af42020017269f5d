// From a message to the call that it is, for those who serve Thrift. The bytes of the arguments are the codec's; here they are
// only carried.
import { type CancelSignal, NEVER_CANCELLED } from "../../base/cancel.ts";
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Facts } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import { EXCEPTION_TYPE, ThriftFault } from "./codes.ts";
import { codecOf, type Dialect, hasHeaders } from "./dialect.ts";
import { type Dress, type Dressed, undress } from "./dress.ts";
import { frameFlags, frameSequenceId, headerKind } from "./header-frame.ts";
import { type RequestHeaders, readRequestHeaders } from "./header-keys.ts";
import { MESSAGE, type ReadHeader, readMessageHeader, readWholeHeader } from "./message.ts";

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
    const header = readWholeHeader(dressed.payload);
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

/** What follows the first `:` of a multiplexed name. */
function bareName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
