// What operators and orchestrators ask a sidecar, and what they tell it: is it alive, should it get traffic, what has it
// measured, how does it do; and log more, or go. Plain data in and out; the admin listener gives it its socket. The paths
// are described for programs in docs/openapi.yaml.
import { atEndOfTurn } from "../base/clock.ts";
import { Metadata } from "../base/metadata.ts";
import { type HttpHandler, type HttpRequest, type HttpResponse, textResponse } from "../protocol/http/http.ts";

/** What can be seen of a running sidecar, as values that JSON can say. */
export interface AdminViews {
  /** The whole config with its defaults, without secrets. */
  config(): unknown;
  /** Each upstream's endpoints with their state. */
  endpoints(): unknown;
  /** The rules in the order in which they are tried, and each service's upstream. */
  routes(): unknown;
  /** Each upstream's policies with their defaults. */
  policies(): unknown;
}

/** What the process around a sidecar lets operators do; absent where a sidecar runs inside something else. */
export interface AdminProcess {
  readonly logLevel?: {
    /** What `set` takes. */
    readonly levels: readonly string[];
    get(): string;
    set(level: string): void;
  };
  /** Begins to stop, as SIGTERM does; returns at once. */
  drain?(): void;
}

export interface AdminOptions extends AdminProcess {
  /** False before the listeners are open and from the first moment of draining. */
  readonly isReady: () => boolean;
  /** What is not as it should be although traffic may come, or why it should not, a sentence each. */
  readonly doubts: () => readonly string[];
  /** The metrics in Prometheus' text format, with its content type. */
  readonly metrics: { readonly contentType: string; metrics(): string | Promise<string> };
  readonly views: AdminViews;
  /** Pages beside these. */
  readonly more?: AdminPages;
}

type Page = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** The pages by path, then by method; what answers GET answers HEAD. */
export type AdminPages = ReadonlyMap<string, Readonly<Partial<Record<"GET" | "PUT" | "POST", Page>>>>;

/** Everything that the admin listener answers. */
export function adminPages({ isReady, doubts, metrics, views, more, logLevel, drain }: AdminOptions): AdminPages {
  return new Map<string, Readonly<Partial<Record<"GET" | "PUT" | "POST", Page>>>>([
    ["/healthz", { GET: () => textResponse(200, "ok") }],
    ["/readyz", { GET: () => readiness(isReady(), doubts()) }],
    ["/metrics", { GET: async () => response(200, metrics.contentType, await metrics.metrics()) }],
    ["/config", { GET: () => jsonResponse(200, views.config()) }],
    ["/endpoints", { GET: () => jsonResponse(200, views.endpoints()) }],
    ["/routes", { GET: () => jsonResponse(200, views.routes()) }],
    ["/policies", { GET: () => jsonResponse(200, views.policies()) }],
    ...(logLevel
      ? ([
          [
            "/loglevel",
            {
              GET: () => jsonResponse(200, { level: logLevel.get() }),
              PUT: (request: HttpRequest) => changeLogLevel(request, logLevel),
            },
          ],
        ] as const)
      : []),
    ...(more ?? []),
    ...(drain ? ([["/drain", { POST: () => beginDrain(drain) }]] as const) : []),
  ]);
}

/** Answers the admin paths; other methods of theirs get 405, other paths 404. */
export function createAdminHandler(options: AdminOptions): HttpHandler {
  const pages = adminPages(options);
  const known = [...pages.keys()].join(", ");

  return (request) => {
    const page = pages.get(request.path);
    if (!page) return textResponse(404, `not found: this listener answers ${known}`);
    const { method } = request;
    const answer = method === "HEAD" ? page.GET : method in page ? page[method as keyof typeof page] : undefined;
    if (answer) return answer(request);
    const allowed = Object.keys(page).flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each]));
    return textResponse(405, `only ${allowed.join(", ")}`, [["allow", allowed.join(", ")]]);
  };
}

function readiness(isReady: boolean, doubts: readonly string[]): HttpResponse {
  return textResponse(isReady ? 200 : 503, [isReady ? "ready" : "not ready", ...doubts].join("\n"));
}

function changeLogLevel(
  { body }: HttpRequest,
  { levels, get, set }: NonNullable<AdminProcess["logLevel"]>,
): HttpResponse {
  const level = levelOf(Buffer.from(body).toString("utf8"));
  if (level === undefined || !levels.includes(level)) {
    return textResponse(400, `expected {"level": …} with one of ${levels.join(", ")}`);
  }
  set(level);
  return jsonResponse(200, { level: get() });
}

function levelOf(text: string): string | undefined {
  try {
    const said: unknown = JSON.parse(text);
    const level = typeof said === "object" && said !== null && "level" in said ? said.level : undefined;
    return typeof level === "string" ? level : undefined;
  } catch {
    return undefined;
  }
}

function beginDrain(drain: () => void): HttpResponse {
  // Behind the answer, which would find its connection closed.
  atEndOfTurn(drain);
  return jsonResponse(202, { draining: true });
}

function jsonResponse(status: number, value: unknown): HttpResponse {
  return response(status, "application/json", `${JSON.stringify(value, undefined, 2)}\n`);
}

function response(status: number, contentType: string, body: string): HttpResponse {
  return { status, headers: Metadata.from([["content-type", contentType]]), body };
}
