// Messages that are nearly right: what a good one becomes when bits flip, pieces are lost or doubled, and lengths lie. Every
// mutation follows from a seed and its number.
import { createRandom, type Random } from "../property/arbitrary-link.ts";

/** One bad message, and how to get it again. */
export interface Mutation {
  /** Which of the run; the seed and this number decide the bytes. */
  readonly index: number;
  /** The place in the list of good messages of the one that it was made of. */
  readonly origin: number;
  readonly bytes: Buffer;
  /** For choices beside the bytes. */
  readonly random: Random;
}

/** Lengths and numbers that readers get wrong: limits of types, their neighbours, and sizes that nobody has. */
const LENGTHS: readonly number[] = [
  0x7fffffff, 0xffffffff, 0x80000000, 0x00ffffff, 0x01000000, 0x7ffffffe, 0x40000000, 0x00010000, 0x0000ffff, 1_000_000,
  16_384_001, 0, 1,
];

/** Varints of every length up to one byte too many, the last of which no 64 bits hold. */
const VARINTS: readonly Buffer[] = [
  Buffer.from("ffffffff07", "hex"),
  Buffer.from("ffffffff0f", "hex"),
  Buffer.from("ffffffffffffffff7f", "hex"),
  Buffer.from("ffffffffffffffffff01", "hex"),
  Buffer.from("ffffffffffffffffff7f", "hex"),
  Buffer.from("ffffffffffffffffffffff01", "hex"),
  Buffer.from("8080808000", "hex"),
  Buffer.from("808001", "hex"),
];

/**
 * How a struct, list, map, message and group begin inside themselves, on the binary wires, in JSON and in IDL; repeated,
 * they nest deeper than anybody reads.
 */
const OPENERS: readonly Buffer[] = [
  Buffer.from("0c0001", "hex"),
  Buffer.from("0f00020c00000001", "hex"),
  Buffer.from("0f00000001", "hex"),
  Buffer.from("0d0f0f00000001", "hex"),
  Buffer.from("0b", "hex"),
  Buffer.from("1aff7f", "hex"),
  ...["[", '{"children":[', '{"value":', "list<", "message M {", "(", "{a: "].map((text) => Buffer.from(text)),
];

/** Longer messages say nothing that shorter ones do not, and take their time. */
const MAX_BYTES = 64 * 1024;

/**
 * The `index`th mutation of a run. Even ones walk over the good messages and put each lying length at each offset of each
 * in turn; odd ones are one to three random changes.
 */
export function mutationOf(messages: readonly Buffer[], seed: number, index: number): Mutation {
  const random = createRandom((Math.imul(seed, 0x9e3779b1) ^ index) >>> 0);
  if (index % 2 === 1) {
    const origin = random.below(messages.length);
    return { index, origin, random, bytes: mutate(messages[origin]!, random, messages) };
  }
  // A prime step visits all offsets of all messages, not the first message's first.
  const turn = Math.imul(index / 2, 7_919) >>> 0;
  const origin = turn % messages.length;
  const message = messages[origin]!;
  const offset = Math.floor(turn / messages.length) % (message.length + 1);
  const choice = (index / 2) % (LENGTHS.length + VARINTS.length);
  const length = LENGTHS[choice];
  const bytes =
    length === undefined
      ? withVarint(message, offset, VARINTS[choice - LENGTHS.length]!)
      : withLength(message, offset, length);
  return { index, origin, random, bytes };
}

/** One to three random changes; `others` are spliced in. */
export function mutate(message: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let bytes = message;
  for (let times = 1 + random.below(3); times > 0; times--) bytes = change(bytes, random, others);
  return bytes.subarray(0, MAX_BYTES);
}

function change(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  const until = at + random.below(Math.min(40, bytes.length - at + 1));
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
    case 3:
      return withByte(bytes, at, random.pick([0, 1, 2, 4, 8, 10, 11, 12, 13, 15, 16, 127, 128, 255]));
    case 4:
      return bytes.subarray(0, at);
    case 5: // A piece twice.
      return Buffer.concat([bytes.subarray(0, until), bytes.subarray(at)]);
    case 6: // A piece lost.
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(until)]);
    case 7: {
      const noise = Buffer.from(Array.from({ length: 1 + random.below(16) }, () => random.below(256)));
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
    case 8: {
      const other = random.pick(others);
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
    case 9:
      return withLength(bytes, at, random.pick(LENGTHS));
    case 10:
      return withVarint(bytes, at, random.pick(VARINTS));
    default: {
      const opener = random.pick(OPENERS);
      const nest = Buffer.alloc(opener.length * random.pick([3, 60, 65, 130, 1_000, 5_000, 30_000]), opener);
      return Buffer.concat([bytes.subarray(0, at), nest, bytes.subarray(at)]);
    }
  }
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes);
  if (at < changed.length) changed[at] = value;
  return changed;
}

/** Four bytes of a big-endian length where others stood; they may reach behind the end. */
function withLength(bytes: Buffer, at: number, length: number): Buffer {
  const written = Buffer.alloc(4);
  written.writeUInt32BE(length);
  return Buffer.concat([bytes.subarray(0, at), written, bytes.subarray(at + 4)]);
}

/** A varint in the place of one byte. */
function withVarint(bytes: Buffer, at: number, varint: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(at + 1)]);
}
