// Walks over the binary encoding that the JSON writers render. The bytes are our own, so nothing here is checked.
import type { ValueLink } from "../schema/link.ts";
import { STOP } from "./thrift-binary.ts";
import { isBinary } from "./thrift-json.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

export class ThriftCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next field of a struct; undefined at its end. */
  field(): { readonly type: number; readonly id: number } | undefined {
    const type = this.#int(1);
    return type === STOP ? undefined : { type, id: this.#int(2) };
  }

  list(): { readonly element: number; readonly count: number } {
    return { element: this.#int(1), count: this.#int(4) };
  }

  map(): { readonly key: number; readonly value: number; readonly count: number } {
    return { key: this.#int(1), value: this.#int(1), count: this.#int(4) };
  }

  integer(bytes: 1 | 2 | 4 | 8): string {
    if (bytes < 8) return String(this.#int(bytes));
    this.#at += 8;
    return String(this.#bytes.readBigInt64BE(this.#at - 8));
  }

  double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleBE(this.#at - 8);
  }

  string(): Buffer {
    return this.take(this.#int(4));
  }

  take(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #int(bytes: number): number {
    this.#at += bytes;
    return this.#bytes.readIntBE(this.#at - bytes, bytes);
  }
}

/** A scalar as JSON: bool 1 or 0, binary as padded base64, what is no number in JSON as a string. */
export function printScalar(cursor: ThriftCursor, type: number, declared: ValueLink | undefined): string {
  switch (type) {
    case THRIFT_TYPES.bool:
    case THRIFT_TYPES.i8:
      return cursor.integer(1);
    case THRIFT_TYPES.i16:
      return cursor.integer(2);
    case THRIFT_TYPES.i32:
      return cursor.integer(4);
    case THRIFT_TYPES.i64:
      return cursor.integer(8);
    case THRIFT_TYPES.double: {
      const value = cursor.double();
      if (!Number.isFinite(value)) return `"${value}"`;
      return Object.is(value, -0) ? "-0" : String(value);
    }
    case THRIFT_TYPES.uuid: {
      const hex = cursor.take(16).toString("hex");
      return `"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}"`;
    }
    default: {
      const bytes = cursor.string();
      return isBinary(declared) ? `"${bytes.toString("base64")}"` : JSON.stringify(bytes.toString());
    }
  }
}
