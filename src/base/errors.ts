// The one error that travels through the house. Sockets, statuses and TApplicationExceptions become a RpcError at the
// two doors, inbound and outbound, and nowhere else.
import { Metadata } from "./metadata.ts";

/** The status codes of gRPC without OK, with their numbers, as in the gRPC specification (doc/statuscodes.md). */
export const CODE_NUMBERS = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The name of a gRPC status code other than OK. */
export type Code = keyof typeof CODE_NUMBERS;

const CODES_BY_NUMBER: readonly (Code | undefined)[] = (() => {
  const table: (Code | undefined)[] = [];
  for (const [code, number] of Object.entries(CODE_NUMBERS)) table[number] = code as Code;
  return table;
})();

/** The code of a gRPC status number; undefined for 0 (OK) and for numbers the specification does not name. */
export function codeOfNumber(number: number): Code | undefined {
  return CODES_BY_NUMBER[number];
}

/** One element of google.rpc.Status.details: a google.protobuf.Any, not decoded. */
export interface Detail {
  /** For example `type.googleapis.com/shop.v1.OutOfStock`. */
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** A non-OK status as gRPC has it. */
export interface Status {
  readonly code: Code;
  readonly message: string;
  readonly details: readonly Detail[];
}

/** What a RpcError may carry beside its code and message. */
export interface RpcErrorOptions {
  /** `here`: this sidecar made it. `peer`: the other side answered with it. Default `here`. */
  readonly origin?: "here" | "peer";
  /** Whether bytes of the call may have reached the peer, so that a retry could run it twice. Default false. */
  readonly sent?: boolean;
  readonly details?: readonly Detail[];
  readonly headers?: Metadata;
  readonly trailers?: Metadata;
  /** How long the caller should wait before it tries again, in milliseconds; Infinity: it should not. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** A call that failed other than by an exception that its IDL declares. */
export class RpcError extends Error implements Status {
  override readonly name = "RpcError";
  readonly code: Code;
  readonly origin: "here" | "peer";
  readonly sent: boolean;
  readonly details: readonly Detail[];
  readonly headers: Metadata;
  readonly trailers: Metadata;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.origin = options.origin ?? "here";
    this.sent = options.sent ?? false;
    this.details = options.details ?? [];
    this.headers = options.headers ?? Metadata.EMPTY;
    this.trailers = options.trailers ?? Metadata.EMPTY;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Anything thrown as a RpcError: itself, or INTERNAL with the thrown value as its cause. */
export function toRpcError(thrown: unknown): RpcError {
  if (thrown instanceof RpcError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new RpcError("INTERNAL", message, { cause: thrown });
}

/** The same error, but for whether bytes of the call may have reached the peer. */
export function withSent(error: RpcError, sent: boolean): RpcError {
  if (error.sent === sent) return error;
  const { code, message, origin, details, headers, trailers, retryAfterMs } = error;
  return new RpcError(code, message, { origin, sent, details, headers, trailers, retryAfterMs, cause: error });
}
