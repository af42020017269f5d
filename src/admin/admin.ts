// What operators and orchestrators ask a sidecar: is it alive, should it get traffic, what has it measured. Plain data in
// and out; the admin listener gives it its socket.
import { Metadata } from "../base/metadata.ts";
import { type HttpHandler, type HttpResponse, textResponse } from "../protocol/http/http.ts";

export interface AdminOptions {
  /** False before the listeners are open and from the first moment of draining. */
  readonly isReady: () => boolean;
  /** The metrics in Prometheus' text format, with its content type. */
  readonly metrics: { readonly contentType: string; metrics(): string | Promise<string> };
}

type Page = () => HttpResponse | Promise<HttpResponse>;

/**
 * Answers `/healthz` (200 as long as the process can answer), `/readyz` (200, or 503 when no traffic should come) and
 * `/metrics` (Prometheus text exposition format), to GET and HEAD; other methods get 405, other paths 404.
 */
export function createAdminHandler({ isReady, metrics }: AdminOptions): HttpHandler {
  const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
    ["/healthz", () => textResponse(200, "ok")],
    ["/readyz", () => (isReady() ? textResponse(200, "ready") : textResponse(503, "not ready"))],
    [
      "/metrics",
      async () => ({
        status: 200,
        headers: Metadata.from([["content-type", metrics.contentType]]),
        body: await metrics.metrics(),
      }),
    ],
  ]);
  const known = [...pages.keys()].join(", ");

  return ({ method, path }) => {
    const page = pages.get(path);
    if (!page) return textResponse(404, `not found: this listener answers ${known}`);
    if (method !== "GET" && method !== "HEAD") return textResponse(405, "only GET and HEAD", [["allow", "GET, HEAD"]]);
    return page();
  };
}
