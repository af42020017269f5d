// What the admin listener shows of a config, which holds secrets: copies without them, for readers who may see the rest.
import { formatAddress } from "../base/address.ts";
import type { Config } from "../config.ts";
import type { ExplainedRule, Explanation } from "./explain-call.ts";

/** Keys whose values nobody shall read, wherever they stand; metadata, too, is named by what it holds. */
const SECRET_KEY = /pass(?:word|phrase|wd)|secret|token|authorization|cookie|credential|api-?key|^x-.*-key$/i;
const HIDDEN = "[hidden]";
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/i;
const QUERY_VALUES = /([?&][^=&#]*=)[^&#]*/g;

/** A copy of what a config holds: addresses as text, and no secrets, neither under a key that says so nor in a URL. */
export function hidden(value: unknown): unknown {
  if (typeof value === "string") return withoutUrlSecrets(value);
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== "object" || value === null) return value;
  if (isAddress(value)) return formatAddress(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, SECRET_KEY.test(key) ? HIDDEN : hidden(each)]),
  );
}

/** The same of a whole config, whose upstreams may be called what they like, and whose collector may call its keys so. */
export function hiddenConfig(config: Config): unknown {
  const { upstreams, tracing, ...others } = config;
  return {
    ...Object(hidden(others)),
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([name, each]) => [name, hidden(each)])),
    ...(tracing && { tracing: hiddenTracing(tracing) }),
  };
}

/** The same of an explanation, which tells what rules ask of metadata and what they write into it. */
export function hiddenExplanation(explanation: Explanation): Explanation {
  const { faults, routes, ways } = explanation;
  return {
    ...explanation,
    faults: faults.map(hiddenRule),
    routes: routes.map(hiddenRule),
    ways: ways.map((way) => ({
      ...way,
      headers: way.headers.map((pair) => pair.replace(/^([^:]*): .*$/s, hiddenBehind)),
      policies: Object(hidden(way.policies)),
    })),
  };
}

function hiddenRule({ conditions, ...rule }: ExplainedRule): ExplainedRule {
  return {
    ...rule,
    conditions: conditions.map((each) => ({
      ...each,
      condition: each.condition.replace(/^header (\S+) .*$/s, hiddenBehind),
    })),
  };
}

function hiddenBehind(text: string, key: string): string {
  return SECRET_KEY.test(key) ? `${text.slice(0, text.indexOf(key) + key.length)}: ${HIDDEN}` : text;
}

/** Whatever a collector wants to be told with each request is most often what proves who is asking. */
function hiddenTracing({ otlp, ...others }: NonNullable<Config["tracing"]>): unknown {
  if (!otlp) return others;
  const headers = Object.fromEntries(Object.keys(otlp.headers).map((key) => [key, HIDDEN]));
  return { ...others, otlp: { ...Object(hidden(otlp)), headers } };
}

/** Passwords stand before the host, and tokens in the query. */
function withoutUrlSecrets(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(USER_INFO, `$1${HIDDEN}@`).replace(QUERY_VALUES, `$1${HIDDEN}`);
}

function isAddress(value: object): value is Parameters<typeof formatAddress>[0] {
  if (!("kind" in value)) return false;
  return (value.kind === "tcp" && "host" in value && "port" in value) || (value.kind === "unix" && "path" in value);
}
