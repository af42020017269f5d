// From chunks of a connection to whole messages: framed ones by their length, unframed ones by walking to their end.
import { ByteGatherer } from "../../base/bytes.ts";
import { RpcError } from "../../base/errors.ts";
import type { Codec } from "../../codec/codec.ts";
import { COMPACT_TYPE, CompactWalker } from "./compact-walker.ts";
import { detect } from "./detect.ts";
import { asBuffer, codecOfStart, readMessageHeader } from "./message.ts";
import { StructWalker, TYPE, type Walker, type WalkLimits } from "./struct-walker.ts";

/** Cuts a connection's bytes into messages, each from its message header on, without their frame length. */
export interface Splitter {
  /** Adds bytes, which from now on must not change: messages are views of them where they can be. */
  push(chunk: Uint8Array): void;
  /**
   * The next whole message; undefined until more bytes come. Throws a RpcError when the bytes cannot be split or pass a
   * limit; the connection then cannot be read on.
   */
  next(): Uint8Array | undefined;
  /** Whether no byte is held, not even of a frame's length. */
  readonly isEmpty: boolean;
  /** What there is of a message that is not whole, without its frame's length; to say in an error which call it was. */
  readonly unfinished: Uint8Array;
}

/**
 * Splits framed messages: a u32 length before each. A length above `maxFrameBytes` is RESOURCE_EXHAUSTED before
 * anything of the frame is kept, and INVALID_ARGUMENT where what follows shows that it is none.
 */
export function createFrameSplitter({ maxFrameBytes }: { readonly maxFrameBytes: number }): Splitter {
  return new FrameSplitter(maxFrameBytes);
}

/**
 * Splits unframed binary and compact messages, or those of one `codec` alone. A message above the limits is an error as
 * soon as it shows.
 */
export function createMessageSplitter(limits: WalkLimits, codec?: Codec): Splitter {
  return new MessageSplitter(limits, codec);
}

const NOTHING = new Uint8Array(0);

/** What both have in common. It is a class because thousands of connections have one each, and closures would be larger. */
abstract class ChunkSplitter implements Splitter {
  /** Bytes at the start that are not part of the message. */
  readonly #headBytes: number;
  /** What was pushed and not yet used: `chunk` from `offset` on. */
  #chunk: Uint8Array = NOTHING;
  #offset = 0;
  /** The start of a message that comes in pieces, and where it ends, once that is known. */
  readonly #gathered = new ByteGatherer();
  #gatheredEnd: number | undefined = undefined;

  constructor(headBytes: number) {
    this.#headBytes = headBytes;
  }

  /**
   * The offset behind the message that starts at offset 0, which may lie past the end of `bytes`; undefined until it can
   * be told. Called again with the same bytes and more.
   */
  protected abstract end(bytes: Uint8Array): number | undefined;

  push(more: Uint8Array): void {
    const held = this.#offset === this.#chunk.length;
    this.#chunk = held ? more : Buffer.concat([this.#chunk.subarray(this.#offset), more]);
    this.#offset = 0;
  }

  next(): Uint8Array | undefined {
    if (this.#offset === this.#chunk.length) return undefined;
    const message = this.#gathered.length > 0 ? this.#pieced() : this.#whole();
    // A chunk that is used up is let go, so that an idle connection holds no memory.
    if (this.#offset === this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#offset = 0;
    }
    return message;
  }

  get isEmpty(): boolean {
    return this.#gathered.length === 0 && this.#offset === this.#chunk.length;
  }

  get unfinished(): Uint8Array {
    const held = this.#gathered.length > 0 ? this.#gathered.bytes : this.#chunk.subarray(this.#offset);
    return held.subarray(Math.min(this.#headBytes, held.length));
  }

  /** The common case: a message that lies whole in one chunk is a view of it. */
  #whole(): Uint8Array | undefined {
    const rest = this.#offset === 0 ? this.#chunk : this.#chunk.subarray(this.#offset);
    const messageEnd = this.end(rest);
    if (messageEnd !== undefined && messageEnd <= rest.length) {
      this.#offset += messageEnd;
      return rest.subarray(this.#headBytes, messageEnd);
    }
    this.#gatheredEnd = messageEnd;
    this.#gather(rest.length);
    return undefined;
  }

  #pieced(): Uint8Array | undefined {
    const gathered = this.#gathered;
    if (this.#gatheredEnd === undefined) {
      // Where the message ends is not known: take what is there, and give back what turns out to be the next one's.
      this.#gather(this.#headBytes > gathered.length ? this.#headBytes - gathered.length : this.#chunk.length);
      this.#gatheredEnd = this.end(gathered.bytes);
      if (this.#gatheredEnd === undefined) return undefined;
      this.#offset -= Math.max(0, gathered.length - this.#gatheredEnd);
      gathered.truncate(this.#gatheredEnd);
    }
    this.#gather(this.#gatheredEnd - gathered.length);
    if (gathered.length < this.#gatheredEnd) return undefined;
    this.#gatheredEnd = undefined;
    return gathered.take().subarray(this.#headBytes);
  }

  /** Moves up to `count` bytes of the chunk to what is gathered. */
  #gather(count: number): void {
    const piece = this.#chunk.subarray(this.#offset, this.#offset + count);
    this.#gathered.append(piece, this.#gatheredEnd);
    this.#offset += piece.length;
  }
}

/** The bytes of a frame's length. */
const LENGTH_BYTES = 4;

class FrameSplitter extends ChunkSplitter {
  readonly #maxFrameBytes: number;

  constructor(maxFrameBytes: number) {
    super(LENGTH_BYTES);
    this.#maxFrameBytes = maxFrameBytes;
  }

  protected override end(bytes: Uint8Array): number | undefined {
    if (bytes.length < LENGTH_BYTES) return undefined;
    const size = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
    if (size > this.#maxFrameBytes) throw tooLong(bytes, size, this.#maxFrameBytes);
    return LENGTH_BYTES + size;
  }
}

/** Bytes of anything else look like a large frame: who sent them would look for a limit in vain. */
function tooLong(bytes: Uint8Array, size: number, maxFrameBytes: number): RpcError {
  const start = detect(bytes, 2 ** 32);
  if (start.kind === "more" || (start.kind === "thrift" && start.framing !== "unframed")) {
    const message = `a frame of ${size} bytes passes the limit of ${maxFrameBytes} bytes (maxFrameBytes)`;
    return new RpcError("RESOURCE_EXHAUSTED", message);
  }
  if (asBuffer(bytes).toString("latin1", 0, 4) === "HTTP") {
    return new RpcError("INVALID_ARGUMENT", "this is HTTP, and no frame of Thrift: is this its port for Thrift?");
  }
  const hex = asBuffer(bytes).toString("hex", 0, 16);
  return new RpcError("INVALID_ARGUMENT", `this is no frame of Thrift, which begins with its length: ${hex}`);
}

class MessageSplitter extends ChunkSplitter {
  readonly #codec: Codec | undefined;
  readonly #binary: StructWalker;
  readonly #compact: CompactWalker;
  #walker: Walker | undefined = undefined;

  constructor(limits: WalkLimits, codec: Codec | undefined) {
    super(0);
    this.#codec = codec;
    this.#binary = new StructWalker(limits);
    this.#compact = new CompactWalker(limits);
  }

  protected override end(bytes: Uint8Array): number | undefined {
    this.#walker ??= this.#begin(bytes);
    if (!this.#walker?.resume(bytes)) return undefined;
    const { position } = this.#walker;
    this.#walker = undefined;
    return position;
  }

  /** The walker behind a message's header; undefined until that is whole. */
  #begin(bytes: Uint8Array): Walker | undefined {
    const codec = this.#codec;
    const start = codecOfStart(bytes);
    if (start !== undefined && start !== (codec ?? start)) {
      throw new RpcError("INVALID_ARGUMENT", `the message is ${start}: expected ${codec}, as the connection began`);
    }
    const header = readMessageHeader(bytes);
    if (!header) return undefined;
    const { envelope, bodyOffset } = header;
    if (envelope === "kitex-protobuf") {
      throw new RpcError("INVALID_ARGUMENT", "a Kitex-Protobuf message without a frame has no end");
    }
    const walker = envelope === "compact" ? this.#compact : this.#binary;
    walker.begin(bodyOffset, envelope === "compact" ? COMPACT_TYPE.STRUCT : TYPE.STRUCT);
    return walker;
  }
}
