// Keeps web pages from what listens beside them: a page anywhere can make its reader's browser send requests to 127.0.0.1. What
// a page must not reach by accident is refused before anything is read into it; CORS is answered for the origins that may.
import { z } from "zod";
import type { Address } from "../../base/address.ts";
import { Metadata } from "../../base/metadata.ts";
import { type HttpHandler, type HttpRequestHead, type HttpResponse, textResponse } from "./http.ts";

/** Who besides programs may call. */
export const browserGuardOptions = z.strictObject({
  allowedOrigins: z
    .array(
      z.string().regex(/^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/, {
        error: "expected an origin, as in https://shop.example, or *",
      }),
    )
    .default([])
    .describe("origins of the web pages that may call, as in https://shop.example; * for all"),
  allowedHosts: z
    .array(z.string().regex(/^[^\s/:]+$/, { error: "expected a host name without a port" }))
    .default([])
    .describe("host names by which callers reach the listener, besides IP addresses and localhost"),
});

export type BrowserGuardOptions = z.output<typeof browserGuardOptions> & { readonly address: Address };

/** Who may call. */
export interface BrowserGuard {
  /** The answer to a request whose Host is a name that is not known here, or that comes from a page of another origin: 403. */
  refusal(request: HttpRequestHead): HttpResponse | undefined;
}

/** Knows the allowed origins and the hosts of a listener. */
export function createBrowserGuard({ allowedOrigins, allowedHosts, address }: BrowserGuardOptions): BrowserGuard {
  const origins = new Set(allowedOrigins);
  const hosts = new Set(["localhost", ...allowedHosts.map((host) => host.toLowerCase())]);
  if (address.kind === "tcp") hosts.add(address.host.toLowerCase());

  return {
    refusal({ headers }) {
      const host = hostOf(headers);
      // Names are how a page's own domain is pointed here (DNS rebinding). No name leads to a unix socket.
      if (address.kind === "tcp" && !isIpAddress(host) && !hosts.has(host)) {
        return textResponse(
          403,
          `the host ${clip(host)} is not served: expected an IP address, localhost or one of allowedHosts`,
        );
      }
      const origin = headers.get("origin");
      if (origin === undefined) {
        // An image or a link sends no origin, but browsers say where it stands.
        const site = headers.get("sec-fetch-site");
        const isForeign = site === "cross-site" || site === "same-site";
        return isForeign ? textResponse(403, "web pages of other sites are not served") : undefined;
      }
      if (origins.has(origin) || origins.has("*")) return undefined;
      return textResponse(403, `web pages of ${clip(origin)} are not served: expected one of allowedOrigins`);
    },
  };
}

/** Passes on requests of programs and of allowed origins, of which preflights (Fetch standard, 3.2) are answered; others are refused. */
export function guardBrowsers(options: BrowserGuardOptions, next: HttpHandler): HttpHandler {
  const { refusal } = createBrowserGuard(options);
  return (request) => {
    const refused = refusal(request);
    if (refused) return refused;
    const origin = request.headers.get("origin");
    if (origin === undefined) return next(request);
    if (isPreflight(request)) return preflightResponse(request, origin);
    const response = next(request);
    return response instanceof Promise ? response.then((late) => forOrigin(late, origin)) : forOrigin(response, origin);
  };
}

/** The host of the Host header in lower case, without its port. */
function hostOf(headers: Metadata): string {
  return (headers.get("host") ?? "").replace(/:\d*$/, "").toLowerCase();
}

/** IPv6 stands in brackets here. */
function isIpAddress(host: string): boolean {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(host);
}

function isPreflight({ method, headers }: HttpRequestHead): boolean {
  return method === "OPTIONS" && headers.get("access-control-request-method") !== undefined;
}

/** Browsers keep the answer this long at most, in seconds: Chromium's own limit. */
const PREFLIGHT_SECONDS = "7200";

function preflightResponse({ headers }: HttpRequestHead, origin: string): HttpResponse {
  const flat = ["access-control-allow-origin", origin, "vary", "Origin, Access-Control-Request-Headers"];
  flat.push("access-control-allow-methods", "GET, POST", "access-control-max-age", PREFLIGHT_SECONDS);
  const asked = headers.get("access-control-request-headers") ?? "";
  if (/^[\w!#$%&'*+.^`|~, -]+$/.test(asked)) flat.push("access-control-allow-headers", asked);
  // Chromium asks before a page of the internet calls an address of a private network.
  if (headers.get("access-control-request-private-network") === "true") {
    flat.push("access-control-allow-private-network", "true");
  }
  // Not 204, to which hyper-express adds a content-length of 2^63.
  return { status: 200, headers: Metadata.fromFlat(flat), body: "" };
}

/** The response with what lets the page read it. */
function forOrigin(response: HttpResponse, origin: string): HttpResponse {
  return { ...response, headers: headersForOrigin(response.headers, origin) };
}

/** The headers of a response with what lets the page of an allowed origin read it, every header included. */
export function headersForOrigin(headers: Metadata, origin: string): Metadata {
  const flat = [...headers].flat();
  const names = new Set([...headers].map(([name]) => name));
  flat.push("access-control-allow-origin", origin, "vary", "Origin");
  flat.push("access-control-expose-headers", [...names].join(", "));
  return Metadata.fromFlat(flat);
}

function clip(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
