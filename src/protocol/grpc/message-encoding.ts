// grpc-encoding and grpc-accept-encoding: which compressions are named, and which of them are understood here.
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { type HeaderList, headerOf } from "./header-list.ts";

/** What is understood here, in the form of grpc-accept-encoding. */
export const ACCEPTED_ENCODINGS = "identity,deflate,gzip";

const BOTH: readonly Compression[] = ["deflate", "gzip"];
const DEFLATE: readonly Compression[] = ["deflate"];
const GZIP: readonly Compression[] = ["gzip"];

/** Every answer of `readAccepted` but undefined. */
export const ACCEPTED_SETS = [BOTH, DEFLATE, GZIP] as const;

/** What a peer takes of what is known here, by its grpc-accept-encoding; undefined when that is nothing. */
export function readAccepted(headers: HeaderList): readonly Compression[] | undefined {
  return parseAccepted(headerOf(headers, "grpc-accept-encoding"));
}

/** The compressions that are known here in a list of names; undefined when that is none. */
export function parseAccepted(text: string | undefined): readonly Compression[] | undefined {
  if (text === undefined) return undefined;
  const gzip = /(?:^|,)\s*gzip\s*(?:,|$)/.test(text);
  if (/(?:^|,)\s*deflate\s*(?:,|$)/.test(text)) return gzip ? BOTH : DEFLATE;
  return gzip ? GZIP : undefined;
}

/** The compression that a message's flag means. Throws a RpcError UNIMPLEMENTED for one that is not known. */
export function readEncoding(headers: HeaderList): Compression | undefined {
  return parseEncoding(headerOf(headers, "grpc-encoding"));
}

/** The same for the value of that header. */
export function parseEncoding(encoding: string | undefined): Compression | undefined {
  if (encoding === undefined || encoding === "identity") return undefined;
  if (encoding === "gzip" || encoding === "deflate") return encoding;
  throw new RpcError(
    "UNIMPLEMENTED",
    `the grpc-encoding ${encoding.slice(0, 100)} is not served: expected ${ACCEPTED_ENCODINGS}`,
    { headers: Metadata.fromFlat(["grpc-accept-encoding", ACCEPTED_ENCODINGS]) },
  );
}
