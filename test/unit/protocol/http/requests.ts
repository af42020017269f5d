// Requests for the tests of the HTTP port.
import { Metadata } from "../../../../src/base/metadata.ts";
import type { HttpRequest, HttpResponse } from "../../../../src/protocol/http/http.ts";

/** A POST of a content type to 127.0.0.1, but for what `changes` says. */
export function requestOf(
  contentType: string,
  body: string | Uint8Array,
  changes: Omit<Partial<HttpRequest>, "headers" | "body"> & { readonly headers?: Record<string, string> } = {},
): HttpRequest {
  const { headers, ...others } = changes;
  return {
    method: "POST",
    path: "/",
    query: "",
    peer: "127.0.0.1:5000",
    signal: new AbortController().signal,
    ...others,
    headers: Metadata.from(Object.entries({ host: "127.0.0.1:7421", "content-type": contentType, ...headers })),
    body: typeof body === "string" ? Buffer.from(body) : body,
  };
}

export function textOf({ body }: HttpResponse): string {
  return typeof body === "string" ? body : Buffer.from(body).toString();
}
