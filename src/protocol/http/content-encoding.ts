// Takes the compression off a request's body, never further than the limit.
import { decompress } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { HttpRequest } from "./http.ts";

/**
 * The body as it was before gzip; itself without `content-encoding`. Rejects with a RpcError: UNIMPLEMENTED for another
 * encoding, RESOURCE_EXHAUSTED beyond `maxBytes`, INVALID_ARGUMENT for bytes that are no gzip.
 */
export function decodeContent({ headers, body }: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  const encoding = (headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity") return Promise.resolve(body);
  if (encoding === "gzip" || encoding === "x-gzip") return decompress(body, "gzip", maxBytes, "INVALID_ARGUMENT");
  const said = JSON.stringify(encoding.slice(0, 100));
  return Promise.reject(
    new RpcError("UNIMPLEMENTED", `the content-encoding ${said} is not served: expected gzip or none`),
  );
}
