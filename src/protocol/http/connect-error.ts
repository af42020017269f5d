// Errors as Connect has them over HTTP (connectrpc.com/docs/protocol): a status, and JSON with code, message and details.
import type { Code, Detail, Status } from "../../base/errors.ts";
import { typeName } from "../../rpc/status.ts";

/** The JSON of a detail's message; undefined when its type is not loaded or its bytes are malformed. */
export type PrintDetail = (detail: Detail) => string | undefined;

interface ConnectCode {
  readonly name: string;
  readonly httpStatus: number;
}

/** The name of each code in Connect and its HTTP status. */
export const CONNECT_CODES = {
  CANCELLED: { name: "canceled", httpStatus: 499 },
  UNKNOWN: { name: "unknown", httpStatus: 500 },
  INVALID_ARGUMENT: { name: "invalid_argument", httpStatus: 400 },
  DEADLINE_EXCEEDED: { name: "deadline_exceeded", httpStatus: 504 },
  NOT_FOUND: { name: "not_found", httpStatus: 404 },
  ALREADY_EXISTS: { name: "already_exists", httpStatus: 409 },
  PERMISSION_DENIED: { name: "permission_denied", httpStatus: 403 },
  RESOURCE_EXHAUSTED: { name: "resource_exhausted", httpStatus: 429 },
  FAILED_PRECONDITION: { name: "failed_precondition", httpStatus: 400 },
  ABORTED: { name: "aborted", httpStatus: 409 },
  OUT_OF_RANGE: { name: "out_of_range", httpStatus: 400 },
  UNIMPLEMENTED: { name: "unimplemented", httpStatus: 501 },
  INTERNAL: { name: "internal", httpStatus: 500 },
  UNAVAILABLE: { name: "unavailable", httpStatus: 503 },
  DATA_LOSS: { name: "data_loss", httpStatus: 500 },
  UNAUTHENTICATED: { name: "unauthenticated", httpStatus: 401 },
} as const satisfies Record<Code, ConnectCode>;

/** The JSON of an error; each detail has its message as `debug` where it can be printed. */
export function printError({ code, message, details }: Status, printDetail: PrintDetail): string {
  const members = [`"code":"${CONNECT_CODES[code].name}"`];
  if (message !== "") members.push(`"message":${JSON.stringify(message)}`);
  if (details.length > 0) members.push(`"details":[${details.map((detail) => printOne(detail, printDetail))}]`);
  return `{${members.join(",")}}`;
}

function printOne(detail: Detail, printDetail: PrintDetail): string {
  const { value } = detail;
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64").replace(/=+$/, "");
  const debug = printDetail(detail);
  const start = `"type":${JSON.stringify(typeName(detail))},"value":"${base64}"`;
  return debug === undefined ? `{${start}}` : `{${start},"debug":${debug}}`;
}

const CODES_BY_NAME: ReadonlyMap<unknown, Code> = new Map(
  Object.entries(CONNECT_CODES).map(([code, { name }]) => [name, code as Code]),
);

/** Most details that are read of an error. */
const MAX_DETAILS = 100;

/**
 * The error that a response's JSON holds, `debug` unread: undefined when it has no code of Connect's. What is wrong with
 * the details leaves them out, because the status stands without.
 */
export function parseError(json: string): Status | undefined {
  const said = parseObject(json);
  const code = CODES_BY_NAME.get(said?.["code"]);
  if (!said || !code) return undefined;
  const { message, details } = said;
  return {
    code,
    message: typeof message === "string" ? message : "",
    details: Array.isArray(details) ? details.slice(0, MAX_DETAILS).flatMap(parseOne) : [],
  };
}

/** What a JSON text says when it is an object. */
export function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseOne(detail: unknown): Detail[] {
  if (!isObject(detail)) return [];
  const { type, value } = detail;
  if (typeof type !== "string" || typeof value !== "string") return [];
  return [{ typeUrl: type.includes("/") ? type : `type.googleapis.com/${type}`, value: Buffer.from(value, "base64") }];
}
