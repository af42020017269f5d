// What a call over gRPC wore, which its reply has to wear again, and the headers that begin a response in it.
import type { Compression } from "../../base/compression.ts";
import type { HeaderList } from "./header-list.ts";
import { ACCEPTED_ENCODINGS, ACCEPTED_SETS } from "./message-encoding.ts";

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress {
  readonly contentType: string;
  /** What the caller takes compressed messages in; without it, it takes none. */
  readonly accepts?: readonly Compression[] | undefined;
  /** The headers of a response without metadata or compression, for dresses that many calls wear: HTTP/2 encodes them once. */
  readonly plain?: HeaderList;
}

/** What nearly all calls wear. Callers may write anything behind a semicolon, and what they write is not kept. */
const COMMON_DRESSES: readonly Dress[] = ["application/grpc", "application/grpc+proto"].flatMap((contentType) =>
  [undefined, ...ACCEPTED_SETS].map((accepts) => {
    const dress = { contentType, accepts };
    return { ...dress, plain: writeResponseHead(dress, undefined) };
  }),
);
/** The dress of callers that say nothing but that they speak gRPC. */
export const PLAIN_DRESS: Dress = COMMON_DRESSES[0]!;

/** The dress of a content type and the compressions that a caller takes; mostly the same object for the same two. */
export function dressOf(contentType: string, accepts: readonly Compression[] | undefined): Dress {
  for (const dress of COMMON_DRESSES) {
    if (dress.contentType === contentType && dress.accepts === accepts) return dress;
  }
  return { contentType, accepts };
}

/** The headers that begin a response; `compression` is what its messages may be compressed with. */
export function writeResponseHead({ contentType, accepts }: Dress, compression: Compression | undefined): string[] {
  const headers = [":status", "200", "content-type", contentType];
  if (compression !== undefined) headers.push("grpc-encoding", compression);
  // Who can compress may do so from now on.
  if (accepts !== undefined) headers.push("grpc-accept-encoding", ACCEPTED_ENCODINGS);
  return headers;
}
