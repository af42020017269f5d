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
  return createSplitter({
    headBytes: 4,
    end(bytes) {
      if (bytes.length < 4) return undefined;
      const size = ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0;
      if (size > maxFrameBytes) throw tooLong(bytes, size, maxFrameBytes);
      return 4 + size;
    },
  });
}

/** Bytes of anything else look like a large frame: who sent them would look for a limit in vain. */
function tooLong(bytes: Uint8Array, size: number, maxFrameBytes: number): RpcError {
  const start = detect(bytes, 2 ** 32);
  if (start.kind === "more" || (start.kind === "thrift" && start.framing !== "unframed")) {
    const message = `a frame of ${size} bytes passes the limit of ${maxFrameBytes} bytes (maxFrameBytes)`;
    return new RpcError("RESOURCE_EXHAUSTED", message);
  }
  const hex = asBuffer(bytes).toString("hex", 0, 16);
  return new RpcError("INVALID_ARGUMENT", `this is no frame of Thrift, which begins with its length: ${hex}`);
}

/**
 * Splits unframed binary and compact messages, or those of one `codec` alone. A message above the limits is an error as
 * soon as it shows.
 */
export function createMessageSplitter(limits: WalkLimits, codec?: Codec): Splitter {
  const binary = new StructWalker(limits);
  const compact = new CompactWalker(limits);
  let walker: Walker | undefined;
  return createSplitter({
    headBytes: 0,
    end(bytes) {
      if (!walker) {
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
        walker = envelope === "compact" ? compact : binary;
        walker.begin(bodyOffset, envelope === "compact" ? COMPACT_TYPE.STRUCT : TYPE.STRUCT);
      }
      if (!walker.resume(bytes)) return undefined;
      const { position } = walker;
      walker = undefined;
      return position;
    },
  });
}

/** How messages are told apart. */
interface Boundary {
  /** Bytes at the start that are not part of the message. */
  readonly headBytes: number;
  /**
   * The offset behind the message that starts at offset 0, which may lie past the end of `bytes`; undefined until it can
   * be told. Called again with the same bytes and more.
   */
  end(bytes: Uint8Array): number | undefined;
}

const NOTHING = new Uint8Array(0);

function createSplitter({ headBytes, end }: Boundary): Splitter {
  /** What was pushed and not yet used: `chunk` from `offset` on. */
  let chunk: Uint8Array = NOTHING;
  let offset = 0;
  /** The start of a message that comes in pieces, and where it ends, once that is known. */
  const gathered = new ByteGatherer();
  let gatheredEnd: number | undefined;

  /** The common case: a message that lies whole in one chunk is a view of it. */
  function whole(): Uint8Array | undefined {
    const rest = offset === 0 ? chunk : chunk.subarray(offset);
    const messageEnd = end(rest);
    if (messageEnd !== undefined && messageEnd <= rest.length) {
      offset += messageEnd;
      return rest.subarray(headBytes, messageEnd);
    }
    gatheredEnd = messageEnd;
    gather(rest.length);
    return undefined;
  }

  function pieced(): Uint8Array | undefined {
    if (gatheredEnd === undefined) {
      // Where the message ends is not known: take what is there, and give back what turns out to be the next one's.
      gather(headBytes > gathered.length ? headBytes - gathered.length : chunk.length);
      gatheredEnd = end(gathered.bytes);
      if (gatheredEnd === undefined) return undefined;
      offset -= Math.max(0, gathered.length - gatheredEnd);
      gathered.truncate(gatheredEnd);
    }
    gather(gatheredEnd - gathered.length);
    if (gathered.length < gatheredEnd) return undefined;
    gatheredEnd = undefined;
    return gathered.take().subarray(headBytes);
  }

  /** Moves up to `count` bytes of the chunk to what is gathered. */
  function gather(count: number): void {
    const piece = chunk.subarray(offset, offset + count);
    gathered.append(piece, gatheredEnd);
    offset += piece.length;
  }

  return {
    push(more) {
      chunk = offset === chunk.length ? more : Buffer.concat([chunk.subarray(offset), more]);
      offset = 0;
    },
    next() {
      if (offset === chunk.length) return undefined;
      const message = gathered.length > 0 ? pieced() : whole();
      // A chunk that is used up is let go, so that an idle connection holds no memory.
      if (offset === chunk.length) {
        chunk = NOTHING;
        offset = 0;
      }
      return message;
    },
    get isEmpty() {
      return gathered.length === 0 && offset === chunk.length;
    },
    get unfinished() {
      const held = gathered.length > 0 ? gathered.bytes : chunk.subarray(offset);
      return held.subarray(Math.min(headBytes, held.length));
    },
  };
}
