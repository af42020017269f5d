// From header blocks to header lists (RFC 7541). A block that came before is recognised by its bytes, as long as the
// dynamic table stands still.
import { DecoderTable } from "./decoder-table.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { KIND, kindOfField, kindOfName, PSEUDO_KINDS } from "./field.ts";
import { DEFAULT_HEADER_TABLE_BYTES } from "./frame.ts";
import { type HeaderBlock, markNeverIndexed } from "./header-list.ts";
import { decodeHuffman } from "./huffman.ts";
import { FIELD_OVERHEAD_BYTES, STATIC_ENTRIES, STATIC_FIELDS } from "./static-table.ts";

const STATIC_KINDS: readonly number[] = Array.from({ length: STATIC_ENTRIES }, (_, i) => {
  const nameKind = kindOfName(STATIC_FIELDS[2 * i]!);
  return kindOfField(nameKind, STATIC_FIELDS[2 * i + 1]!);
});

/** Blocks that are remembered: a table of two entries per hash, for blocks up to a size. */
const REMEMBERED_BLOCKS = 32;
const LARGEST_REMEMBERED_BYTES = 256;

interface RememberedBlock {
  readonly bytes: Uint8Array;
  /** The table's state that the bytes refer to. */
  readonly generation: number;
  readonly block: HeaderBlock;
}

const NOTHING: Buffer = Buffer.alloc(0);

/** Room for strings that come in Huffman's code; grows to what the longest block needs. */
let scratch: Buffer = Buffer.allocUnsafeSlow(4_096);

/** Decodes the header blocks of one direction of a connection, in order. */
export class HpackDecoder {
  readonly #maxListBytes: number;
  readonly #table = new DecoderTable(DEFAULT_HEADER_TABLE_BYTES);
  /** Most that the peer may set the table to. */
  #limitBytes: number = DEFAULT_HEADER_TABLE_BYTES;
  #mustResize = false;
  /** Counts the changes of the table. */
  #generation = 0;
  #remembered: (RememberedBlock | undefined)[] | undefined;

  #source: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  /** The kind of the string that was read last as a name. */
  #nameKind = 0;

  /** Whether the block that was decoded last is the very same object as one before it. */
  recognised = false;

  /** Lists above `maxListBytes` (names and values and 32 a field) are cut and marked. */
  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes;
  }

  /** The size of the dynamic table in bytes, as RFC 7541 counts. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** Once the peer knows of a limit: it must have resized the table to it by the next block. */
  limitTable(maxBytes: number): void {
    this.#limitBytes = maxBytes;
    if (this.#table.maxBytes > maxBytes) this.#mustResize = true;
  }

  /** Decodes the whole block from `start` to `end`. Throws a ConnectionFault COMPRESSION_ERROR when it is malformed. */
  decode(source: Buffer, start: number, end: number): HeaderBlock {
    this.recognised = false;
    if (end - start > LARGEST_REMEMBERED_BYTES) return this.#decode(source, start, end);
    const slot = hashOf(source, start, end) & (REMEMBERED_BLOCKS - 1);
    const known = this.#knownAt(slot, source, start, end) ?? this.#knownAt(slot ^ 1, source, start, end);
    if (known !== undefined) {
      this.recognised = true;
      return known;
    }
    const generation = this.#generation;
    const block = this.#decode(source, start, end);
    if (generation === this.#generation && !block.tooLarge) {
      this.#remembered ??= new Array<RememberedBlock | undefined>(REMEMBERED_BLOCKS).fill(undefined);
      const bytes = Uint8Array.prototype.slice.call(source, start, end);
      // The one that was there moves over: two that come in turns do not drive each other out.
      this.#remembered[slot ^ 1] = this.#remembered[slot];
      this.#remembered[slot] = { bytes, generation, block };
    }
    return block;
  }

  #knownAt(slot: number, source: Buffer, start: number, end: number): HeaderBlock | undefined {
    const known = this.#remembered?.[slot];
    if (known === undefined || known.generation !== this.#generation) return undefined;
    return isSame(known.bytes, source, start, end) ? known.block : undefined;
  }

  #decode(source: Buffer, start: number, end: number): HeaderBlock {
    this.#source = source;
    this.#at = start;
    this.#end = end;
    const list: string[] = [];
    let kinds = 0;
    let misplaced = false;
    let bytes = 0;
    let contentLength = -1;
    let secret: Set<string> | undefined;
    this.#readResizes();
    while (this.#at < end) {
      const byte = source[this.#at]!;
      let name: string;
      let value: string;
      let kind: number;
      if (byte & 0x80) {
        const index = this.#readIndex(0x7f);
        if (index <= STATIC_ENTRIES) {
          name = STATIC_FIELDS[2 * index - 2]!;
          value = STATIC_FIELDS[2 * index - 1]!;
          kind = STATIC_KINDS[index - 1]!;
        } else {
          const slot = this.#table.slotOf(index - STATIC_ENTRIES - 1);
          name = this.#table.nameAt(slot);
          value = this.#table.valueAt(slot);
          kind = this.#table.kindAt(slot);
        }
      } else {
        // 01: with indexing; 001: a resize, which may stand only at the start; 0001: never indexed; 0000: not indexed.
        if ((byte & 0xe0) === 0x20) throw malformed("the table is resized inside a block");
        const indexed = (byte & 0x40) !== 0;
        name = this.#readName(indexed ? 0x3f : 0x0f);
        const nameKind = this.#nameKind;
        value = this.#readString();
        kind = kindOfField(nameKind, value);
        if (indexed) {
          this.#table.add(name, value, kind);
          this.#generation++;
        } else if (byte & 0x10) {
          secret ??= new Set();
          secret.add(name);
        }
      }
      bytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
      // The rest of the block still has to be read, for what it does to the table.
      if (bytes > this.#maxListBytes) continue;
      if (kind & PSEUDO_KINDS) {
        misplaced ||=
          (kinds & kind & PSEUDO_KINDS) !== 0 || (list.length > 0 && !list[list.length - 2]!.startsWith(":"));
      } else if (kind & KIND.CONTENT_LENGTH && (kind & KIND.BAD_VALUE) === 0) {
        misplaced ||= contentLength >= 0 && contentLength !== Number(value);
        contentLength = Number(value);
      }
      kinds |= kind;
      list.push(name, value);
    }
    // What came is not held until the next block comes.
    this.#source = NOTHING;
    if (secret) markNeverIndexed(list, secret);
    return { list, kinds, fault: faultOf(kinds, misplaced), contentLength, tooLarge: bytes > this.#maxListBytes };
  }

  /** `001` and a 5-bit prefix: the table's new size. */
  #readResizes(): void {
    while (this.#at < this.#end && (this.#source[this.#at]! & 0xe0) === 0x20) {
      const maxBytes = this.#readInteger(0x1f);
      if (maxBytes > this.#limitBytes) throw malformed(`the table is resized to ${maxBytes} bytes, above its limit`);
      this.#mustResize = false;
      this.#table.resize(maxBytes);
      this.#generation++;
    }
    if (this.#mustResize && this.#at < this.#end) throw malformed("the table is above its limit and was not resized");
  }

  #readIndex(mask: number): number {
    const index = this.#readInteger(mask);
    if (index === 0 || index > STATIC_ENTRIES + this.#table.count) throw malformed(`there is no field ${index}`);
    return index;
  }

  /** A name by its index or as a string; leaves its kind in #nameKind. */
  #readName(mask: number): string {
    if ((this.#source[this.#at]! & mask) === 0) {
      this.#at++;
      const name = this.#readString();
      this.#nameKind = kindOfName(name);
      return name;
    }
    const index = this.#readIndex(mask);
    if (index <= STATIC_ENTRIES) {
      this.#nameKind = STATIC_KINDS[index - 1]! & ~KIND.BAD_VALUE;
      return STATIC_FIELDS[2 * index - 2]!;
    }
    const slot = this.#table.slotOf(index - STATIC_ENTRIES - 1);
    this.#nameKind = this.#table.kindAt(slot) & ~KIND.BAD_VALUE;
    return this.#table.nameAt(slot);
  }

  /** A bit for Huffman's code and a 7-bit prefix: the length; then the bytes. */
  #readString(): string {
    if (this.#at >= this.#end) throw malformed("a string is missing");
    const isHuffman = (this.#source[this.#at]! & 0x80) !== 0;
    const length = this.#readInteger(0x7f);
    const start = this.#at;
    if (length > this.#end - start) throw malformed(`a string of ${length} bytes reaches past the block`);
    this.#at = start + length;
    if (!isHuffman) return this.#source.toString("latin1", start, this.#at);
    if (scratch.length < 2 * length) scratch = Buffer.allocUnsafeSlow(2 * length);
    const decoded = decodeHuffman(this.#source, start, this.#at, scratch);
    if (decoded < 0) throw malformed("a string is not in Huffman's code");
    return scratch.toString("latin1", 0, decoded);
  }

  /** An integer whose first bits are under `mask` (RFC 7541 section 5.1); more than four further bytes are refused. */
  #readInteger(mask: number): number {
    const first = this.#source[this.#at++]! & mask;
    if (first < mask) return first;
    let value = first;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) throw malformed("an integer is cut short");
      const byte = this.#source[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw malformed("an integer is too large");
  }
}

function faultOf(kinds: number, misplaced: boolean): string | undefined {
  if (kinds & KIND.BAD_NAME) return "a header's name is not allowed in HTTP/2";
  if (kinds & KIND.BAD_VALUE) return "a header's value is not allowed in HTTP/2";
  return misplaced ? "a header is repeated, or a pseudo header stands behind others" : undefined;
}

function malformed(message: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.COMPRESSION_ERROR, `a header block is malformed: ${message}`);
}

/** FNV-1a, folded so that its low bits know of all bytes. */
function hashOf(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(known: Uint8Array, source: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== source[start + i]) return false;
  return true;
}
