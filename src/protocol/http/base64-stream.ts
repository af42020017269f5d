// Base64 as it comes, as the bodies of application/grpc-web-text have it: any number of pieces one behind the other, each
// padded or not, cut anywhere.
import { RpcError } from "../../base/errors.ts";

/** Turns a body's characters into the bytes that they stand for. */
export interface Base64Decoder {
  /** The bytes of all whole groups so far. Throws a RpcError INVALID_ARGUMENT for what is no base64. */
  push(characters: Uint8Array): Uint8Array;
  /** The bytes of a last group that is not padded. Throws as `push` for one that is cut short. */
  finish(): Uint8Array;
}

/** A decoder of one body (RFC 4648, section 4); white space does not count. */
export function createBase64Decoder(): Base64Decoder {
  /** The beginning of a group: fewer than four characters. */
  let rest = "";
  return {
    push(characters) {
      const text = rest + textOf(characters);
      const whole = text.length - (text.length % 4);
      rest = text.slice(whole);
      return decode(text.slice(0, whole));
    },
    finish() {
      if (rest.length === 1 || rest.includes("=")) throw notBase64();
      return decode(rest);
    },
  };
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  const text = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
  return /\s/.test(text) ? text.replaceAll(/\s/g, "") : text;
}

/** Whole groups of four characters; padding ends a piece, and the next group begins another. */
function decode(text: string): Buffer {
  if (!/^[A-Za-z0-9+/=]*$/.test(text)) throw notBase64();
  const padding = text.indexOf("=");
  if (padding < 0) return Buffer.from(text, "base64");
  const pieces: Buffer[] = [];
  for (let from = 0, at = padding; from < text.length; at = text.indexOf("=", from)) {
    const end = at < 0 ? text.length : at - (at % 4) + 4;
    const piece = text.slice(from, end);
    if (!/^[^=]*={0,2}$/.test(piece)) throw notBase64();
    pieces.push(Buffer.from(piece, "base64"));
    from = end;
  }
  return Buffer.concat(pieces);
}

function notBase64(): RpcError {
  return new RpcError("INVALID_ARGUMENT", "the body is not base64, as application/grpc-web-text has it");
}
