// Takes the compression off a request's body, never further than the limit.
import { gunzip } from "node:zlib";
import { RpcError } from "../../base/errors.ts";
import type { HttpRequest } from "./http.ts";

/**
 * The body as it was before gzip; itself without `content-encoding`. Rejects with a RpcError: UNIMPLEMENTED for another
 * encoding, RESOURCE_EXHAUSTED beyond `maxBytes`, INVALID_ARGUMENT for bytes that are no gzip.
 */
export function decodeContent({ headers, body }: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  const encoding = (headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity") return Promise.resolve(body);
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    const said = JSON.stringify(encoding.slice(0, 100));
    return Promise.reject(
      new RpcError("UNIMPLEMENTED", `the content-encoding ${said} is not served: expected gzip or none`),
    );
  }
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: maxBytes }, (error, decoded) => {
      if (!error) resolve(decoded);
      else reject(faultOf(error, maxBytes));
    });
  });
}

function faultOf(error: NodeJS.ErrnoException, maxBytes: number): RpcError {
  return error.code === "ERR_BUFFER_TOO_LARGE"
    ? new RpcError(
        "RESOURCE_EXHAUSTED",
        `the body passes the limit of ${maxBytes} bytes once it is unpacked (maxMessageBytes)`,
      )
    : new RpcError("INVALID_ARGUMENT", `the body is no gzip: ${error.message}`);
}
