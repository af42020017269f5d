// The compressions that HTTP and gRPC name, taken off no further than a limit.
import { gunzip, inflate } from "node:zlib";
import { type Code, RpcError } from "./errors.ts";

/** Names as in the headers: gzip is RFC 1952, deflate is RFC 1950 (zlib's format). */
export type Compression = "gzip" | "deflate";

const DECOMPRESS = { gzip: gunzip, deflate: inflate } as const;

/**
 * Resolves with what the bytes were before their compression, at most `maxBytes`. Rejects with a RpcError:
 * RESOURCE_EXHAUSTED beyond that, as soon as it shows; `malformed` for bytes that are no such compression.
 */
export function decompress(
  bytes: Uint8Array,
  compression: Compression,
  maxBytes: number,
  malformed: Code,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    DECOMPRESS[compression](bytes, { maxOutputLength: maxBytes }, (error, plain) => {
      if (!error) resolve(plain);
      else if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") reject(tooLarge(maxBytes));
      else reject(new RpcError(malformed, `the bytes are no ${compression}: ${error.message}`));
    });
  });
}

function tooLarge(maxBytes: number): RpcError {
  const text = `the message passes the limit of ${maxBytes} bytes once it is unpacked (maxMessageBytes)`;
  return new RpcError("RESOURCE_EXHAUSTED", text);
}
