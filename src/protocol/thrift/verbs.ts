// Thrift's four verbs: from a message to a call, from a reply to a message, and the same for the other direction. The
// bytes of the structs are the codec's; here they are only carried.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import type { Call, Facts, Payload, Reply } from "../../rpc/call.ts";
import type { Lookup } from "../../rpc/resolve.ts";
import type { Method } from "../../schema/model.ts";
import { EXCEPTION_TYPE, fromApplicationException, ThriftFault, toApplicationException } from "./codes.ts";
import {
  eachField,
  MESSAGE,
  type ReadHeader,
  readApplicationException,
  readMessageHeader,
  writeApplicationException,
  writeMessage,
} from "./message.ts";
import { TYPE } from "./struct-walker.ts";

/** How a connection writes its messages. */
export interface Dialect {
  readonly framed: boolean;
  /** With the version 0x8001; else old-style. */
  readonly strict: boolean;
}

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress extends Dialect {
  /** The bare method, without the service of a multiplexed name. */
  readonly name: string;
  readonly sequenceId: number;
  /** Whether the caller waits for a message. */
  readonly answered: boolean;
}

/** What the connection knows of its calls. */
export interface CallContext {
  readonly lookup: Lookup;
  /** The listener's default service, if it has one. */
  readonly service: string | undefined;
  readonly framed: boolean;
  /** The dialect to answer in when a message does not even show its own. */
  readonly strict: boolean;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly facts: Facts;
}

/** A call to handle, or the error to answer with; the dress either way. */
export type ReadCall =
  | { readonly dress: Dress; readonly call: Call }
  | { readonly dress: Dress; readonly error: RpcError };

/** Nobody can take back a oneway call: its caller may close at once. */
const NEVER_ABORTED = new AbortController().signal;

/** Reads one message from its header on. What is wrong with it comes back as the error to answer with. */
export function readCall(message: Uint8Array, context: CallContext): ReadCall {
  const { framed } = context;
  let header: ReadHeader;
  try {
    header = wholeHeader(message);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { dress: { framed, strict: context.strict, name: "", sequenceId: 0, answered: true }, error };
  }
  const { strict, name, type, sequenceId } = header;
  const dress = { framed, strict, name: bareName(name), sequenceId, answered: type !== MESSAGE.ONEWAY };
  try {
    if (type !== MESSAGE.CALL && type !== MESSAGE.ONEWAY) {
      throw new RpcError("INVALID_ARGUMENT", `message type ${type} is no request: expected 1 (call) or 4 (oneway)`, {
        cause: new ThriftFault(EXCEPTION_TYPE.INVALID_MESSAGE_TYPE),
      });
    }
    const method = context.lookup.thrift(name, context.service);
    if (method.streaming !== "none") {
      throw new RpcError("UNIMPLEMENTED", `${method.service}.${method.name} streams, which Thrift cannot`);
    }
    const call: Call = {
      method,
      payload: { type: method.request, codec: "thrift-binary", bytes: message.subarray(header.bodyOffset) },
      headers: Metadata.EMPTY,
      expiresAtMs: Number.POSITIVE_INFINITY,
      signal: method.oneway ? NEVER_ABORTED : context.signal,
      facts: context.facts,
    };
    // Clients before 0.9.3 send oneway calls as plain ones, and wait for nothing all the same.
    return { dress: method.oneway ? { ...dress, answered: false } : dress, call };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { dress, error };
  }
}

/**
 * The dress of a message that never came whole, from what there is of it, for the error that ends its connection. It
 * is nameless with sequence id 0 when its header is not there.
 */
export function readDress(unfinished: Uint8Array, dialect: Dialect): Dress {
  const unknown = { ...dialect, name: "", sequenceId: 0, answered: true };
  try {
    const header = readMessageHeader(unfinished);
    if (!header) return unknown;
    const { strict, name, type, sequenceId } = header;
    return { framed: dialect.framed, strict, name: bareName(name), sequenceId, answered: type !== MESSAGE.ONEWAY };
  } catch {
    return unknown;
  }
}

/** The message that answers a call, in the dress that the call wore; undefined when it is not answered. */
export function writeReply(dress: Dress, answer: Reply | RpcError): Uint8Array | undefined {
  if (!dress.answered) return undefined;
  if (answer instanceof RpcError) return writeError(dress, answer);
  const { codec, bytes } = answer.payload;
  if (codec !== "thrift-binary") {
    return writeError(dress, new RpcError("INTERNAL", `the reply came as ${codec}: expected thrift-binary`));
  }
  const { strict, name, sequenceId, framed } = dress;
  return writeMessage({ strict, name, type: MESSAGE.REPLY, sequenceId }, framed, bytes);
}

function writeError({ strict, name, sequenceId, framed }: Dress, error: RpcError): Uint8Array {
  const body = writeApplicationException(toApplicationException(error));
  return writeMessage({ strict, name, type: MESSAGE.EXCEPTION, sequenceId }, framed, body);
}

/** How calls to an upstream are dressed. */
export interface WriteCallOptions extends Dialect {
  readonly sequenceId: number;
  /** Whether the name is written as `Service:method`, for a server with a multiplexed processor. */
  readonly multiplexed: boolean;
}

/** The message of a call and what its reply is held against. Throws a RpcError INTERNAL when the payload is not thrift-binary. */
export function writeCall(
  { method, payload }: Call,
  { framed, strict, sequenceId, multiplexed }: WriteCallOptions,
): { readonly dress: Dress; readonly message: Uint8Array } {
  if (payload.codec !== "thrift-binary") {
    throw new RpcError("INTERNAL", `the call came as ${payload.codec}: expected thrift-binary`);
  }
  const name = multiplexed ? `${bareService(method.service)}:${method.name}` : method.name;
  const type = method.oneway ? MESSAGE.ONEWAY : MESSAGE.CALL;
  return {
    dress: { framed, strict, name: method.name, sequenceId, answered: !method.oneway },
    message: writeMessage({ strict, name, type, sequenceId }, framed, payload.bytes),
  };
}

/**
 * Reads the message that answers a call. Throws a RpcError: origin `peer` for a TApplicationException; INTERNAL when the
 * message is malformed, belongs to another call or lacks its result.
 */
export function readReply(message: Uint8Array, dress: Dress, method: Method, maxDepth: number): Reply {
  try {
    const header = wholeHeader(message);
    const { type, bodyOffset } = header;
    if (type === MESSAGE.EXCEPTION) throw peerError(message, header, dress, maxDepth);
    checkInStep(header, dress);
    if (type !== MESSAGE.REPLY) throw broken(`message type ${type} is no reply: expected 2 (reply) or 3 (exception)`);
    return replyOf(message.subarray(bodyOffset), method, maxDepth);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // A malformed request is the caller's fault, a malformed reply is not.
    throw error.sent ? error : broken(error.message, error.cause);
  }
}

/** What a oneway call resolves to: the empty result of a method that returns nothing. */
export function onewayReply({ response }: Method): Reply {
  return resultOf({ type: response, codec: "thrift-binary", bytes: new Uint8Array(1) });
}

function peerError(message: Uint8Array, header: ReadHeader, dress: Dress, maxDepth: number): RpcError {
  const exception = readApplicationException(message, header.bodyOffset, maxDepth);
  // A server that could not read the call may not know whose it was; its text is then the best there is to tell.
  if (header.sequenceId !== dress.sequenceId) {
    return broken(`an exception for call ${header.sequenceId} instead of ${dress.sequenceId}: ${exception.message}`);
  }
  return fromApplicationException(exception);
}

function checkInStep({ sequenceId, name }: ReadHeader, dress: Dress): void {
  if (sequenceId !== dress.sequenceId) {
    throw broken(`the reply has the sequence id ${sequenceId}: expected ${dress.sequenceId}`);
  }
  if (name !== dress.name) throw broken(`the reply is to the method "${name}": expected "${dress.name}"`);
}

/** The first field that the method declares says what the result struct holds; nothing behind it is looked at. */
function replyOf(bytes: Uint8Array, method: Method, maxDepth: number): Reply {
  const { response } = method;
  const result = resultOf({ type: response, codec: "thrift-binary", bytes });
  // Mostly it is field 0, and the first.
  if (response === undefined || (bytes.length > 2 && bytes[0] !== TYPE.STOP && bytes[1] === 0 && bytes[2] === 0)) {
    return result;
  }
  let reply: Reply | undefined;
  let unknown = "nothing";
  eachField(bytes, 0, maxDepth, (id, type) => {
    const field = type === TYPE.STRUCT ? method.throws.find((thrown) => thrown.id === id) : undefined;
    if (id === 0) reply = result;
    else if (field) reply = { ...result, kind: "exception", field };
    else unknown = `field ${id}, which is not declared here`;
    return reply === undefined;
  });
  if (reply) return reply;
  if (!response.fieldsById.has(0)) return result;
  throw broken(`missing result: ${method.name} returned ${unknown}`, new ThriftFault(EXCEPTION_TYPE.MISSING_RESULT));
}

function resultOf(payload: Payload): Extract<Reply, { kind: "result" }> {
  return { kind: "result", payload, headers: Metadata.EMPTY, trailers: Metadata.EMPTY };
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
