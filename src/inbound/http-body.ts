// The whole body of a request, within a limit, and the answer to one that passes it.
import type { Log } from "../base/log.ts";
import { type HttpRequestHead, type HttpResponse, textResponse } from "../protocol/http/http.ts";

/** Who is told of a body as it comes. */
export interface BodyReader {
  /** The bytes must not change from now on. */
  data(bytes: Uint8Array): void;
  ended(): void;
}

/** Reads a body of at most `maxBytes` to its end; tells `done` all of it, or that it was too long, once it has gone by. */
export function collectBody(maxBytes: number, done: (body: Uint8Array | "too long") => void): BodyReader {
  let chunks: Uint8Array[] = [];
  let length = 0;
  return {
    data(bytes) {
      length += bytes.byteLength;
      if (length <= maxBytes) chunks.push(bytes);
      else chunks = [];
    },
    ended: () => done(length <= maxBytes ? Buffer.concat(chunks) : "too long"),
  };
}

/** The answer to a request whose body is too long, which is logged. */
export function refuseBody({ peer, method, path }: HttpRequestHead, maxBytes: number, log: Log): HttpResponse {
  log.info({ peer, method, path: path.slice(0, 200), status: 413 }, "an HTTP request was refused");
  return textResponse(413, `the body is longer than ${maxBytes} bytes`);
}
