// From header lists to header blocks (RFC 7541). The dynamic table takes the fields that repeat; a list that is sent
// again, the very same object, is not even looked at again, as long as the table stands still.
import { RpcError } from "../../base/errors.ts";
import { isSendable } from "./field.ts";
import { DEFAULT_HEADER_TABLE_BYTES } from "./frame.ts";
import { type HeaderList, NO_FIELDS, neverIndexedOf } from "./header-list.ts";
import { encodeHuffman, huffmanBytes } from "./huffman.ts";
import { FIELD_OVERHEAD_BYTES, STATIC_ENTRIES, STATIC_FIELDS } from "./static-table.ts";

/** The entries of one name. */
interface StaticName {
  /** Of the first entry of the name. */
  readonly index: number;
  /** In order from there on. */
  readonly values: string[];
}

const STATIC_NAMES = new Map<string, StaticName>();
for (let i = 0; i < STATIC_ENTRIES; i++) {
  const name = STATIC_FIELDS[2 * i]!;
  const value = STATIC_FIELDS[2 * i + 1]!;
  const known = STATIC_NAMES.get(name);
  if (known) known.values.push(value);
  else STATIC_NAMES.set(name, { index: i + 1, values: [value] });
}

/** Fields of gRPC whose values are the same from call to call. */
const REPEATING = new Set([
  ...[":authority", ":path", "accept-encoding", "content-type", "grpc-accept-encoding", "grpc-encoding", "grpc-status"],
  ...["te", "user-agent"],
]);

/** Fields of gRPC whose names repeat: the first one enters the table, and later ones refer to its name. */
const NAME_REPEATS = new Set(["grpc-message", "grpc-timeout", "traceparent"]);

/** Never in a table, whatever list they stand in: guessing them must not be rewarded (RFC 7541 section 7.1). */
const SECRET = new Set(["authorization", "cookie", "proxy-authorization", "set-cookie"]);

const FORM = { INDEXED: 0x80, WITH_INDEXING: 0x40, RESIZE: 0x20, NEVER_INDEXED: 0x10, NOT_INDEXED: 0x00 } as const;

/** A list that was sent lately. */
interface RecentList {
  readonly list: HeaderList;
  readonly listBytes: number;
  /** Undefined when it was sent only once. */
  bytes: Buffer | undefined;
  /** How many entries the table had got by then: each further one moves the others. */
  added: number;
}

const RECENT_LISTS = 8;

let scratch: Buffer = Buffer.allocUnsafeSlow(4_096);

interface Entry {
  readonly name: string;
  readonly value: string;
  /** How many entries were added before it. */
  readonly number: number;
}

/** Encodes the header blocks of one direction of a connection, in order. */
export class HpackEncoder {
  /** The block that `encode` made last: valid until the next one of any encoder. */
  block: Buffer = scratch;

  #maxBytes: number = DEFAULT_HEADER_TABLE_BYTES;
  #bytes = 0;
  /** Oldest first. The table is filled once and then left alone, so that what the peer knows of it stays. */
  #entries: Entry[] = [];
  #byName: Map<string, Entry[]> | undefined;
  #added = 0;
  /** A ring, so that lists which are sent once push out what is sent no more. */
  readonly #recent: RecentList[] = [];
  #nextRecent = 0;
  /** Whether the peer has to be told of `#maxBytes` at the start of the next block. */
  #isResized = false;

  /** The peer lets the dynamic table have `bytes`; more than 4 KiB are not used. */
  limitTable(bytes: number): void {
    // The peer has to be told of the smallest size between two blocks, and some take only one resize a block: what was
    // smallest is kept.
    const maxBytes = Math.min(bytes, DEFAULT_HEADER_TABLE_BYTES, this.#isResized ? this.#maxBytes : bytes);
    if (maxBytes === this.#maxBytes) return;
    this.#isResized = true;
    this.#maxBytes = maxBytes;
    let count = 0;
    while (this.#bytes > maxBytes) {
      const { name, value } = this.#entries[count++]!;
      this.#bytes -= name.length + value.length + FIELD_OVERHEAD_BYTES;
      const same = this.#byName?.get(name);
      same?.shift();
      if (same?.length === 0) this.#byName?.delete(name);
    }
    this.#entries.splice(0, count);
    // What was kept may refer to entries that are gone.
    this.#recent.length = 0;
    this.#nextRecent = 0;
  }

  /**
   * Encodes a list, and behind it the fields of `changing`, into `block` and returns the block's length. What is sent
   * again and again is best split so that the list is the same object each time. Throws a RpcError, and changes nothing:
   * INTERNAL for a name or value that HTTP/2 cannot carry, RESOURCE_EXHAUSTED for more than `maxListBytes`.
   */
  encode(list: HeaderList, maxListBytes: number, changing: HeaderList = NO_FIELDS): number {
    const known = this.#recentOf(list);
    const listBytes = known?.listBytes ?? checkList(list);
    const bytes = changing.length === 0 ? listBytes : listBytes + checkList(changing);
    if (bytes > maxListBytes) throw tooLarge(bytes, maxListBytes);
    if (known?.bytes !== undefined && known.added === this.#added && !this.#isResized) {
      this.block = known.bytes;
      return changing.length === 0 ? known.bytes.length : this.#append(known.bytes, bytes, changing);
    }
    reserve(bytes);
    const at = this.#encode(list, known, listBytes);
    this.block = scratch;
    return this.#writeFields(changing, undefined, at);
  }

  /** The fields of `changing` behind a block that is known. */
  #append(block: Buffer, listBytes: number, changing: HeaderList): number {
    reserve(listBytes);
    scratch.set(block);
    this.block = scratch;
    return this.#writeFields(changing, undefined, block.length);
  }

  #encode(list: HeaderList, known: RecentList | undefined, listBytes: number): number {
    const secret = neverIndexedOf(list);
    let at = 0;
    const resizes = this.#isResized;
    if (resizes) at = writeInteger(FORM.RESIZE, 0x1f, this.#maxBytes, at);
    this.#isResized = false;
    const before = this.#added;
    at = this.#writeFields(list, secret, at);
    if (known === undefined) this.#remember(list, listBytes);
    // A block that adds to the table, or resizes it, is good for once.
    else if (before === this.#added && !resizes) this.#keep(known, at);
    return at;
  }

  #recentOf(list: HeaderList): RecentList | undefined {
    for (const recent of this.#recent) if (recent.list === list) return recent;
    return undefined;
  }

  #remember(list: HeaderList, listBytes: number): void {
    this.#recent[this.#nextRecent] = { list, listBytes, bytes: undefined, added: 0 };
    this.#nextRecent = (this.#nextRecent + 1) % RECENT_LISTS;
  }

  #keep(recent: RecentList, length: number): void {
    recent.bytes = Buffer.from(scratch.subarray(0, length));
    recent.added = this.#added;
  }

  #writeFields(list: HeaderList, secret: ReadonlySet<string> | undefined, offset: number): number {
    let at = offset;
    for (let i = 0; i < list.length; i += 2) at = this.#writeField(list[i]!, list[i + 1]!, secret, at);
    return at;
  }

  #writeField(name: string, value: string, secret: ReadonlySet<string> | undefined, offset: number): number {
    const known = STATIC_NAMES.get(name);
    if (SECRET.has(name) || secret?.has(name))
      return writeLiteral(FORM.NEVER_INDEXED, known?.index ?? 0, name, value, offset);
    if (known) {
      const match = known.values.indexOf(value);
      if (match >= 0 && value !== "") return writeInteger(FORM.INDEXED, 0x7f, known.index + match, offset);
    }
    const entries = this.#byName?.get(name);
    const nameIndex = known?.index ?? (entries?.[0] ? this.#indexOf(entries[0]) : 0);
    const repeats = REPEATING.has(name);
    if (repeats && entries) {
      for (const entry of entries) {
        if (entry.value === value) return writeInteger(FORM.INDEXED, 0x7f, this.#indexOf(entry), offset);
      }
    }
    const bytes = name.length + value.length + FIELD_OVERHEAD_BYTES;
    const isUseful = repeats || (nameIndex === 0 && NAME_REPEATS.has(name));
    if (!isUseful || this.#bytes + bytes > this.#maxBytes) {
      return writeLiteral(FORM.NOT_INDEXED, nameIndex, name, value, offset);
    }
    this.#add({ name, value, number: this.#added++ }, bytes);
    return writeLiteral(FORM.WITH_INDEXING, nameIndex, name, value, offset);
  }

  #indexOf({ number }: Entry): number {
    return STATIC_ENTRIES + this.#added - number;
  }

  #add(entry: Entry, bytes: number): void {
    this.#bytes += bytes;
    this.#entries.push(entry);
    this.#byName ??= new Map();
    const same = this.#byName.get(entry.name);
    if (same) same.push(entry);
    else this.#byName.set(entry.name, [entry]);
  }
}

/** What a list counts (RFC 9113 section 6.5.2). Throws a RpcError INTERNAL when HTTP/2 cannot carry one of its fields. */
function checkList(list: HeaderList): number {
  let bytes = 0;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    if (!isSendable(name, value)) {
      throw new RpcError(
        "INTERNAL",
        `HTTP/2 cannot carry the header ${JSON.stringify(name.slice(0, 100))} and its value`,
      );
    }
    bytes += name.length + value.length + FIELD_OVERHEAD_BYTES;
  }
  return bytes;
}

function tooLarge(bytes: number, maxBytes: number): RpcError {
  return new RpcError("RESOURCE_EXHAUSTED", `headers of ${bytes} bytes pass the peer's limit of ${maxBytes} bytes`);
}

/** Room for any block of a list: a field takes less than its overhead beside its name and value; a resize. */
function reserve(listBytes: number): void {
  if (scratch.length < listBytes + 16) scratch = Buffer.allocUnsafeSlow(2 * (listBytes + 16));
}

/**
 * A field by its name's index, or 0 and the name, and its value. What enters a table is said once, so it is made short;
 * the rest is left plain, because a peer nearby is faster with a few more bytes than with Huffman's code.
 */
function writeLiteral(form: number, nameIndex: number, name: string, value: string, offset: number): number {
  const entersTable = form === FORM.WITH_INDEXING;
  let at = writeInteger(form, entersTable ? 0x3f : 0x0f, nameIndex, offset);
  if (nameIndex === 0) at = writeString(name, entersTable, at);
  return writeString(value, entersTable, at);
}

function writeString(text: string, short: boolean, offset: number): number {
  const length = text.length;
  const shortened = short ? huffmanBytes(text) : length;
  if (shortened < length) return encodeHuffman(text, scratch, writeInteger(0x80, 0x7f, shortened, offset));
  const at = writeInteger(0, 0x7f, length, offset);
  if (length > 48) return at + scratch.write(text, at, length, "latin1");
  for (let i = 0; i < length; i++) scratch[at + i] = text.charCodeAt(i);
  return at + length;
}

/** An integer behind the bits of `form`, with as many bits of the first byte as `mask` has (RFC 7541 section 5.1). */
function writeInteger(form: number, mask: number, value: number, offset: number): number {
  let at = offset;
  if (value < mask) {
    scratch[at++] = form | value;
    return at;
  }
  scratch[at++] = form | mask;
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) scratch[at++] = (rest & 0x7f) | 0x80;
  scratch[at++] = rest;
  return at;
}
