// gRPC's message prefix, on the bytes of DATA frames: a flag and a length before each message.
import { ByteGatherer } from "../../base/bytes.ts";
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { Payload } from "../../rpc/call.ts";

/** The length of a message's prefix, in bytes. */
export const PREFIX_BYTES = 5;
const NOTHING = new Uint8Array(0);

/** Messages from here on are not copied where they can be sent as they stand; Node's pool holds none of this size. */
const LARGE_BYTES = 4_096;

/**
 * A message with its prefix, `flag | u32 length | message`, in one piece; the flag is 1 for a compressed message. A large
 * one that came behind the same prefix is the view of both.
 */
export function writeMessage(message: Uint8Array, compressed = false): Uint8Array {
  const flag = compressed ? 1 : 0;
  if (message.length >= LARGE_BYTES && message.byteOffset >= PREFIX_BYTES) {
    const { buffer, byteOffset, length } = message;
    const whole = new Uint8Array(buffer, byteOffset - PREFIX_BYTES, PREFIX_BYTES + length);
    // Whatever stands there: if it is the prefix, it is as good as one that is written.
    if (whole[0] === flag && lengthOf(whole, 0) === length) return whole;
  }
  const out = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  out[0] = flag;
  out.writeUInt32BE(message.length, 1);
  out.set(message, PREFIX_BYTES);
  return out;
}

/** A message as it came: still compressed, if its flag says so. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array;
  readonly compression: Compression | undefined;
}

/** Collects the one message of a unary call or reply; what it gives is a view of the data if that came in one piece. */
export class MessageCollector {
  readonly #maxMessageBytes: number;
  readonly #announced: Compression | undefined;
  /** The first piece, as long as it is the only one: mostly it is the whole message. */
  #only: Uint8Array = NOTHING;
  #gathered: ByteGatherer | undefined;
  /** Of the message with its prefix; -1 until it is known. */
  #size = -1;

  /** For a message of at most `maxMessageBytes`; `announced` is the compression that the headers have named. */
  constructor(maxMessageBytes: number, announced?: Compression) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#announced = announced;
  }

  get #received(): Uint8Array {
    return this.#gathered?.bytes ?? this.#only;
  }

  /**
   * Adds a piece of data, which must not change from now on. Throws a RpcError: RESOURCE_EXHAUSTED for a message above
   * the limit, as soon as its length shows; INTERNAL for a compressed message that no grpc-encoding has announced;
   * UNIMPLEMENTED for a second one.
   */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const before = this.#gathered?.length ?? this.#only.length;
    if (this.#size >= 0 && before + chunk.length > this.#size) throw moreThanOne();
    if (before === 0) this.#only = chunk;
    else this.#gather(chunk);
    if (this.#size >= 0 || before + chunk.length < PREFIX_BYTES) return;
    this.#size = PREFIX_BYTES + readPrefix(this.#received, 0, this.#maxMessageBytes, this.#announced);
    if (before + chunk.length > this.#size) throw moreThanOne();
  }

  #gather(chunk: Uint8Array): void {
    const expected = this.#size < 0 ? undefined : this.#size;
    if (this.#gathered === undefined) {
      this.#gathered = new ByteGatherer();
      this.#gathered.append(this.#only, expected);
    }
    this.#gathered.append(chunk, expected);
  }

  /** The message; undefined when no byte of one came. Throws a RpcError INTERNAL when it is cut short. */
  finish(): ReceivedMessage | undefined {
    const data = this.#received;
    if (data.length === 0) return undefined;
    if (this.#size < 0 || data.length < this.#size) {
      throw new RpcError("INTERNAL", `the data ends at byte ${data.length}, inside a message`);
    }
    return { bytes: data.subarray(PREFIX_BYTES), compression: data[0] === 1 ? this.#announced : undefined };
  }
}

/**
 * The length of the message whose prefix stands at `at`. Throws a RpcError: RESOURCE_EXHAUSTED above the limit, INTERNAL
 * for a flag that is unknown, or says compressed where the headers have named no compression.
 */
export function readPrefix(
  data: Uint8Array,
  at: number,
  maxMessageBytes: number,
  announced: Compression | undefined,
): number {
  const flag = data[at]!;
  const length = lengthOf(data, at);
  if (flag !== 0 && (flag !== 1 || announced === undefined)) {
    throw new RpcError(
      "INTERNAL",
      flag === 1 ? "a compressed message came without a grpc-encoding" : `the message flag is ${flag}: expected 0 or 1`,
    );
  }
  if (length > maxMessageBytes) {
    throw new RpcError(
      "RESOURCE_EXHAUSTED",
      `a message of ${length} bytes passes the limit of ${maxMessageBytes} bytes (maxMessageBytes)`,
    );
  }
  return length;
}

/** What the prefix at `at` says of its message's length, whether or not that is allowed. */
export function lengthOf(data: Uint8Array, at: number): number {
  return ((data[at + 1]! << 24) | (data[at + 2]! << 16) | (data[at + 3]! << 8) | data[at + 4]!) >>> 0;
}

function moreThanOne(): RpcError {
  return new RpcError("UNIMPLEMENTED", "more than one message: the call is unary");
}

/** A message that came as a payload of this type. */
export function payloadOf(type: Payload["type"], { bytes, compression }: ReceivedMessage): Payload {
  // Most messages are not: one shape for those.
  return compression === undefined
    ? { type, codec: "protobuf", bytes }
    : { type, codec: "protobuf", bytes, compression };
}
