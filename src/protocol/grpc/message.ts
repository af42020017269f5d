// gRPC's message prefix, on the bytes of DATA frames: a flag and a length before each message.
import { ByteGatherer } from "../../base/bytes.ts";
import { RpcError } from "../../base/errors.ts";

const PREFIX_BYTES = 5;
const NOTHING = new Uint8Array(0);

/** A message with its prefix, `00 | u32 length | message`, in one new array. */
export function writeMessage(message: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out[0] = 0;
  out.writeUInt32BE(message.length, 1);
  out.set(message, PREFIX_BYTES);
  return out;
}

/** Collects the one message of a unary call or reply. */
export interface MessageCollector {
  /**
   * Adds a piece of data, which must not change from now on. Throws a RpcError: RESOURCE_EXHAUSTED for a message above
   * the limit, as soon as its length shows; INTERNAL for a compressed message; UNIMPLEMENTED for a second one.
   */
  push(chunk: Uint8Array): void;
  /** The message; undefined when no byte of one came. Throws a RpcError INTERNAL when it is cut short. */
  finish(): Uint8Array | undefined;
}

/** A collector of one message of at most `maxMessageBytes`, whose bytes are a view of the data if it came in one piece. */
export function createMessageCollector(maxMessageBytes: number): MessageCollector {
  /** The first piece, as long as it is the only one: mostly it is the whole message. */
  let only: Uint8Array = NOTHING;
  const gathered = new ByteGatherer();
  /** Of the message with its prefix. */
  let size: number | undefined;

  const received = () => (gathered.length > 0 ? gathered.bytes : only);

  return {
    push(chunk) {
      if (chunk.length === 0) return;
      const before = received().length;
      if (size !== undefined && before + chunk.length > size) throw moreThanOne();
      if (before === 0) {
        only = chunk;
      } else {
        if (gathered.length === 0) gathered.append(only, size);
        gathered.append(chunk, size);
      }
      if (size !== undefined || before + chunk.length < PREFIX_BYTES) return;
      size = readPrefix(received(), maxMessageBytes);
      if (before + chunk.length > size) throw moreThanOne();
    },
    finish() {
      const data = received();
      if (data.length === 0) return undefined;
      if (size === undefined || data.length < size) {
        throw new RpcError("INTERNAL", `the data ends at byte ${data.length}, inside a message`);
      }
      return data.subarray(PREFIX_BYTES);
    },
  };
}

function readPrefix(data: Uint8Array, maxMessageBytes: number): number {
  const length = ((data[1]! << 24) | (data[2]! << 16) | (data[3]! << 8) | data[4]!) >>> 0;
  if (data[0] !== 0) {
    throw new RpcError(
      "INTERNAL",
      data[0] === 1
        ? "a compressed message came without a grpc-encoding"
        : `the message flag is ${data[0]}: expected 0 or 1`,
    );
  }
  if (length > maxMessageBytes) {
    throw new RpcError(
      "RESOURCE_EXHAUSTED",
      `a message of ${length} bytes passes the limit of ${maxMessageBytes} bytes (maxMessageBytes)`,
    );
  }
  return PREFIX_BYTES + length;
}

function moreThanOne(): RpcError {
  return new RpcError("UNIMPLEMENTED", "more than one message: the call is unary");
}
