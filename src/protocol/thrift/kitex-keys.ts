// What Kitex says in TTHeader's string headers, put as every other wire can carry it: the keys of its package metainfo,
// and business errors.
import { RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { BUSINESS_KEY, isBusinessStatus } from "../../rpc/business-error.ts";
import { EXCEPTION_TYPE, ThriftFault } from "./codes.ts";

/** Keys of calls: persistent values go on with every further call, transient ones with one. */
const METAINFO = /^RPC_(PERSIST|TRANSIT)_(.+)$/s;
/** What Kitex writes over HTTP and gRPC, for keys that come through it unchanged. */
const HTTP_FORM = /^rpc-(persist|transit|backward)-(.+)$/s;
/** Ours, for all others. */
const EXACT_FORM = /^rpc_(persist|transit|backward)_(.+)$/s;

/**
 * The key of metadata, in lower case, for a key of a call on TTHeader. `RPC_PERSIST_USER_ID` becomes
 * `rpc-persist-user-id`, which is how Kitex writes it over gRPC. A key with small letters, which Kitex would change there,
 * keeps them behind `rpc_persist_`; its capitals and dots have a dot before them.
 */
export function requestKeyOf(key: string): string {
  const [, kind, name] = (key.startsWith("RPC_") && METAINFO.exec(key)) || [];
  return kind === undefined || name === undefined ? key.toLowerCase() : spell(kind.toLowerCase(), name);
}

/** The same for a key of a reply: Kitex sends backward values by their bare names, `SEEN_BY` is `rpc-backward-seen-by`. */
export function replyKeyOf(key: string): string {
  const lower = key.toLowerCase();
  return lower === key || !/^[\w.]+$/.test(key) ? lower : spell("backward", key);
}

function spell(kind: string, name: string): string {
  // Values are text, which `-bin` would deny.
  if (/^[A-Z0-9_]+$/.test(name) && !name.endsWith("_BIN")) {
    return `rpc-${kind}-${name.toLowerCase().replaceAll("_", "-")}`;
  }
  return `rpc_${kind}_${name.replace(/[A-Z.]/g, (letter) => `.${letter.toLowerCase()}`)}`;
}

/** The key on TTHeader for a lower-case key of metadata, of a call or of a reply: what was made of it, undone. */
export function ttheaderKeyOf(key: string): string {
  if (!key.startsWith("rpc-") && !key.startsWith("rpc_")) return key;
  const exact = EXACT_FORM.exec(key);
  const [, kind, name] = exact ?? HTTP_FORM.exec(key) ?? [];
  if (kind === undefined || name === undefined) return key;
  const spelled = exact
    ? name.replace(/\.(.)/gs, (_, letter: string) => letter.toUpperCase())
    : name.toUpperCase().replaceAll("-", "_");
  return kind === "backward" ? spelled : `RPC_${kind.toUpperCase()}_${spelled}`;
}

/** The text of a business error, which stands in the status on other wires. */
const MESSAGE_KEY = "biz-message";

/**
 * The business error that the headers of a Kitex server's reply say, behind which there is an empty result; undefined when
 * they say none. INTERNAL, as with Kitex over gRPC, unless `status` knows better.
 */
export function readBusinessError(
  headers: Metadata,
  trailers: Metadata,
  status: Status | undefined,
): RpcError | undefined {
  if (headers.size === 0) return undefined;
  const business = headers.get(BUSINESS_KEY.STATUS);
  if (business === undefined || !isBusinessStatus(business)) return undefined;
  const extra = headers.get(BUSINESS_KEY.EXTRA);
  const withStatus = trailers.with(BUSINESS_KEY.STATUS, business);
  return new RpcError(status?.code ?? "INTERNAL", headers.get(MESSAGE_KEY) ?? status?.message ?? "", {
    origin: "peer",
    sent: true,
    details: status?.details ?? [],
    headers: headers.filter((key) => !isBusinessKey(key)),
    trailers: extra === undefined ? withStatus : withStatus.with(BUSINESS_KEY.EXTRA, extra),
    cause: new ThriftFault(EXCEPTION_TYPE.INTERNAL_ERROR),
  });
}

/** The headers and trailers of the reply that says a business error to a Kitex client. */
export function writeBusinessError({ message, headers, trailers }: RpcError): {
  readonly headers: Metadata;
  readonly trailers: Metadata;
} {
  const business = trailers.filter(isBusinessKey);
  return {
    headers: Metadata.from([
      ...headers.filter((key) => !isBusinessKey(key)),
      ...business,
      [MESSAGE_KEY, message] as const,
    ]),
    trailers: trailers.filter((key) => !isBusinessKey(key)),
  };
}

function isBusinessKey(key: string): boolean {
  return key === BUSINESS_KEY.STATUS || key === BUSINESS_KEY.EXTRA || key === MESSAGE_KEY;
}
