// Headers as they stand in an HTTP/2 block, and which of them are metadata of the call. Encoding the block is the
// transport's.
import { Metadata } from "../../base/metadata.ts";
import { HOP_HEADERS } from "../../rpc/hop-headers.ts";
import { isOwnKey, isSidecarKey } from "../../rpc/sidecar-keys.ts";

/** Names in lower case at even, values at odd positions, pseudo headers first. */
export type HeaderList = readonly string[];

/** The first value of a lower-case name. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}

function isMetadata(name: string): boolean {
  return !name.startsWith(":") && !name.startsWith("grpc-") && !HOP_HEADERS.has(name);
}

/**
 * The call's metadata: pseudo headers, gRPC's own and those of one hop left out; binary values unpadded, one per pair.
 * What sidecars tell each other is kept when the headers are `fromSidecar`, else it is dropped with all that begins with `cw-`.
 */
export function readMetadata(headers: HeaderList, fromSidecar = false): Metadata {
  const flat: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!isMetadata(name) || (isOwnKey(name) && !(fromSidecar && isSidecarKey(name)))) continue;
    const value = headers[i + 1]!;
    if (!name.endsWith("-bin")) flat.push(name, value);
    // Several binary values may have been joined on the way, which base64 leaves tellable.
    else for (const part of value.split(",")) flat.push(name, part.trim().replace(/=+$/, ""));
  }
  return Metadata.fromFlat(flat);
}

const NAME = /^[0-9a-z_.-]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/**
 * Appends metadata to a header list and returns how many pairs were dropped, because their name is reserved or HTTP/2
 * cannot carry them (gRPC: names of `0-9 a-z _ - .`, values of printable ASCII).
 */
export function writeMetadata(metadata: Metadata, headers: string[]): number {
  if (metadata.size === 0) return 0;
  let dropped = 0;
  for (const [name, value] of metadata) {
    if (isMetadata(name) && NAME.test(name) && VALUE.test(value)) headers.push(name, value);
    else dropped++;
  }
  return dropped;
}
