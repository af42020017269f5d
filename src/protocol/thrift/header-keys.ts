// What the headers of THeader and TTHeader frames say: metadata, deadline, service, and Causeway's own keys, which begin
// with `cw`.
import { CODE_NUMBERS, codeOfNumber, RpcError, type Status } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { HOP_HEADERS } from "../../rpc/hop-headers.ts";
import { isOwnKey, isSidecarKey, SIDECAR_KEY } from "../../rpc/sidecar-keys.ts";
import { formatStatus, parseDetails } from "../../rpc/status.ts";
import type { HeaderFraming } from "./dialect.ts";
import type { FrameHead, HeaderFrame } from "./header-frame.ts";
import { replyKeyOf, requestKeyOf, ttheaderKeyOf } from "./kitex-keys.ts";
import { NUMBERED_KEY } from "./ttheader.ts";

const KEY = {
  /** "1": the peer speaks Causeway's profile. */
  PROFILE: "cw",
  CODE: "cw-code",
  MESSAGE: "cw-message",
  DETAILS: "cw-details-bin",
  /** "0": nothing of the call has reached a server. */
  SENT: "cw-sent",
  CANCEL: "cw-cancel",
  PING: "cw-ping",
  SERVICE: "isn",
  /** Decimal milliseconds, on THeader. */
  TIMEOUT: "client_timeout",
  /** Kitex: the connection takes no further calls. */
  RESET: "crrst",
} as const;
const TRAILER_PREFIX = "cw-t-";

/** Most bytes of an error's text in a header. */
const MAX_MESSAGE_BYTES = 4096;

/** Keys of one hop, Kitex' too, which mean nothing to the next. */
const NOT_METADATA = new Set<string>([
  ...HOP_HEADERS,
  KEY.SERVICE,
  KEY.RESET,
  // Kitex: a checksum of these very bytes, and whom a proxy has the call from.
  "crc32c",
  "rip",
]);

/** Whether a lower-case key is for whoever is called, rather than for the wire. */
function isMetadata(key: string, framing: HeaderFraming): boolean {
  if (key === "" || key.startsWith(":") || key.startsWith("grpc-") || NOT_METADATA.has(key)) return false;
  return framing === "ttheader" || key !== KEY.TIMEOUT;
}

function wireKey(key: string, framing: HeaderFraming): string {
  return framing === "ttheader" ? ttheaderKeyOf(key) : key;
}

/** Binary values are unpadded in metadata; peers may pad them. */
function unpadded(key: string, value: string): string {
  return key.endsWith("-bin") && value.endsWith("=") ? value.replace(/=+$/, "") : value;
}

/** What the headers of a call say. */
export interface RequestHeaders {
  readonly metadata: Metadata;
  /** The IDL service; full or bare. */
  readonly service: string | undefined;
  readonly timeoutMs: number | undefined;
  /** Whether the caller speaks Causeway's profile. */
  readonly profile: boolean;
}

/**
 * Reads the headers of a call; `fromSidecar` says whether the keys that sidecars tell each other are believed. Throws a
 * RpcError INVALID_ARGUMENT when the timeout is no number.
 */
export function readRequestHeaders(frame: HeaderFrame, framing: HeaderFraming, fromSidecar: boolean): RequestHeaders {
  return again(fromSidecar ? ofSidecars : ofCalls, frame, () => requestHeaders(frame, framing, fromSidecar));
}

const ofCalls: Again<RequestHeaders> = new WeakMap();
const ofSidecars: Again<RequestHeaders> = new WeakMap();
const ofReplies: Again<ReplyHeaders> = new WeakMap();

/** What headers that come again and again say, by their pairs. */
type Again<T> = WeakMap<readonly string[], T>;

function again<T>(known: Again<T>, { isKnown, pairs }: HeaderFrame, read: () => T): T {
  if (!isKnown) return read();
  let says = known.get(pairs);
  if (says === undefined) {
    says = read();
    known.set(pairs, says);
  }
  return says;
}

function requestHeaders(frame: HeaderFrame, framing: HeaderFraming, fromSidecar: boolean): RequestHeaders {
  const flat: string[] = [];
  let service: string | undefined;
  let timeout = frame.numbered.get(NUMBERED_KEY.RPC_TIMEOUT);
  let profile = false;
  for (let i = 0; i < frame.pairs.length; i += 2) {
    const key = framing === "ttheader" ? requestKeyOf(frame.pairs[i]!) : frame.pairs[i]!.toLowerCase();
    const value = frame.pairs[i + 1]!;
    if (key === KEY.SERVICE) service ??= value;
    else if (isOwnKey(key)) {
      if (key === KEY.PROFILE) profile = value === "1";
      else if (fromSidecar && isSidecarKey(key)) flat.push(key, value);
    } else if (isMetadata(key, framing)) flat.push(key, unpadded(key, value));
    else if (key === KEY.TIMEOUT) timeout ??= value;
  }
  const from = frame.numbered.get(NUMBERED_KEY.FROM_SERVICE);
  if (fromSidecar && from !== undefined && from !== "") flat.push(SIDECAR_KEY.FROM, from);
  return {
    metadata: Metadata.fromFlat(flat),
    service: service === "" ? undefined : service,
    timeoutMs: parseTimeout(timeout),
    profile,
  };
}

/** Decimal milliseconds; 0 is what clients without a deadline send. */
function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new RpcError("INVALID_ARGUMENT", `the timeout ${JSON.stringify(text.slice(0, 40))}: expected milliseconds`);
  }
  return Number(text) || undefined;
}

/** What a call's headers shall say. */
export interface CallHeaders {
  readonly metadata: Metadata;
  readonly service: string;
  readonly upstream: string | undefined;
  readonly method: string;
  readonly messageType: number;
  /** Infinity: none. */
  readonly timeoutMs: number;
}

/** Decimal milliseconds, at least 1; undefined for Infinity. */
export function timeoutDigits(timeoutMs: number): string | undefined {
  return timeoutMs === Number.POSITIVE_INFINITY ? undefined : String(Math.max(1, Math.ceil(timeoutMs)));
}

/** The pairs and integer keys of a call; on TTHeader the timeout comes last. */
export function writeRequestHeaders(call: CallHeaders, framing: HeaderFraming): Pick<FrameHead, "pairs" | "numbered"> {
  const { metadata, service, timeoutMs } = call;
  const timeout = timeoutDigits(timeoutMs);
  const numbered = new Map<number, string>();
  const pairs: string[] = framing === "ttheader" ? [KEY.PROFILE, "1"] : [];
  pairs.push(KEY.SERVICE, service);
  if (framing === "ttheader") {
    const from = metadata.get(SIDECAR_KEY.FROM);
    if (from !== undefined) numbered.set(NUMBERED_KEY.FROM_SERVICE, from);
    if (call.upstream !== undefined) numbered.set(NUMBERED_KEY.TO_SERVICE, call.upstream);
    numbered.set(NUMBERED_KEY.TO_METHOD, call.method);
    numbered.set(NUMBERED_KEY.MESSAGE_TYPE, String(call.messageType));
    if (timeout !== undefined) numbered.set(NUMBERED_KEY.RPC_TIMEOUT, timeout);
  } else if (timeout !== undefined) pairs.push(KEY.TIMEOUT, timeout);
  for (const [key, value] of metadata) {
    if (framing === "ttheader" && key === SIDECAR_KEY.FROM) continue;
    if (isMetadata(key, framing) && key !== KEY.PROFILE) pairs.push(wireKey(key, framing), value);
  }
  return { pairs, numbered };
}

/** What the headers of a reply say. */
export interface ReplyHeaders {
  readonly headers: Metadata;
  readonly trailers: Metadata;
  /** The exact error, if it is one and the peer speaks the profile. */
  readonly status: Status | undefined;
  /** Whether the call may have reached a server. */
  readonly sent: boolean;
  readonly profile: boolean;
  /** Whether the connection shall take no further calls. */
  readonly reset: boolean;
}

/** Reads the headers of a reply. A code, message or details that cannot be read are left out. */
export function readReplyHeaders(frame: HeaderFrame, framing: HeaderFraming): ReplyHeaders {
  return again(ofReplies, frame, () => replyHeaders(frame, framing));
}

function replyHeaders({ pairs }: HeaderFrame, framing: HeaderFraming): ReplyHeaders {
  const headers: string[] = [];
  const trailers: string[] = [];
  let profile = false;
  let reset = false;
  let sent = true;
  let code: string | undefined;
  let message: string | undefined;
  let details: string | undefined;
  for (let i = 0; i < pairs.length; i += 2) {
    const key = framing === "ttheader" ? replyKeyOf(pairs[i]!) : pairs[i]!.toLowerCase();
    const value = pairs[i + 1]!;
    if (key === KEY.RESET) reset = value === "1";
    else if (!isOwnKey(key)) {
      if (isMetadata(key, framing)) headers.push(key, unpadded(key, value));
    } else if (key === KEY.PROFILE) profile = value === "1";
    else if (key === KEY.CODE) code = value;
    else if (key === KEY.SENT) sent = value !== "0";
    else if (key === KEY.MESSAGE) message = value;
    else if (key === KEY.DETAILS) details = value;
    else if (key.startsWith(TRAILER_PREFIX)) {
      const name = key.slice(TRAILER_PREFIX.length);
      if (isMetadata(name, framing) && !isOwnKey(name)) trailers.push(name, unpadded(name, value));
    }
  }
  return {
    headers: Metadata.fromFlat(headers),
    trailers: Metadata.fromFlat(trailers),
    status: statusOf(code, message, details),
    sent,
    profile,
    reset,
  };
}

/** The status that the headers `cw-code`, `cw-message` and `cw-details-bin` hold; undefined without a code that is known. */
export function statusOf(code: string | undefined, message = "", details: string | undefined): Status | undefined {
  const exact = code !== undefined && /^\d{1,2}$/.test(code) ? codeOfNumber(Number(code)) : undefined;
  return exact && { code: exact, message, details: parseDetails(details) };
}

/** What a reply's headers shall say. */
export interface ReplyToWrite {
  readonly headers: Metadata;
  readonly trailers: Metadata;
  readonly status: (Status & { readonly sent: boolean }) | undefined;
  readonly reset: boolean;
}

/** The pairs of a reply. */
export function writeReplyHeaders(reply: ReplyToWrite, framing: HeaderFraming): readonly string[] {
  const { headers, trailers, status } = reply;
  const pairs: string[] = framing === "ttheader" ? [KEY.PROFILE, "1"] : [];
  if (reply.reset && framing === "ttheader") pairs.push(KEY.RESET, "1");
  for (const [key, value] of headers) {
    if (isMetadata(key, framing) && !isOwnKey(key)) pairs.push(wireKey(key, framing), value);
  }
  for (const [key, value] of trailers) {
    if (isMetadata(key, framing) && !isOwnKey(key)) pairs.push(`${TRAILER_PREFIX}${key}`, value);
  }
  if (status) {
    const { message, base64 } = formatStatus(status);
    pairs.push(KEY.CODE, String(CODE_NUMBERS[status.code]), KEY.MESSAGE, clipped(message));
    if (base64 !== "") pairs.push(KEY.DETAILS, base64);
    if (!status.sent) pairs.push(KEY.SENT, "0");
  }
  return pairs;
}

/** Cuts between characters. */
function clipped(text: string): string {
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  return Buffer.from(text)
    .toString("utf8", 0, MAX_MESSAGE_BYTES)
    .replace(/\ufffd+$/, "");
}

/**
 * What a frame without payload says: the call of its sequence id is cancelled, the peer is there, or the connection takes
 * no further calls.
 */
export type Signal = "cancel" | "ping" | "reset";

/** The signal of a frame without payload; undefined when it is none that is known. */
export function readSignal({ pairs }: HeaderFrame): Signal | undefined {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i + 1] !== "1") continue;
    if (pairs[i] === KEY.CANCEL) return "cancel";
    if (pairs[i] === KEY.PING) return "ping";
    if (pairs[i] === KEY.RESET) return "reset";
  }
  return undefined;
}

/** The pairs of the frame that cancels a call. */
export const CANCEL_PAIRS: readonly string[] = [KEY.PROFILE, "1", KEY.CANCEL, "1"];

/** The pairs of the frame after which a connection takes no further calls. */
export const RESET_PAIRS: readonly string[] = [KEY.PROFILE, "1", KEY.RESET, "1"];

/** The same for a Kitex client. */
export const KITEX_RESET_PAIRS: readonly string[] = [KEY.RESET, "1"];

/** The pairs of an idle connection's sign of life. */
export const PING_PAIRS: readonly string[] = [KEY.PROFILE, "1", KEY.PING, "1"];
