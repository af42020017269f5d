// Between RpcError's codes and TApplicationException's types, one table per direction.
import { CODE_NUMBERS, type Code, codeOfNumber, RpcError } from "../../base/errors.ts";
import type { ApplicationException } from "./application-exception.ts";

/** The types of TApplicationException, as in Thrift's `TApplicationException` of every library, and those of Kitex. */
export const EXCEPTION_TYPE = {
  UNKNOWN: 0,
  UNKNOWN_METHOD: 1,
  INVALID_MESSAGE_TYPE: 2,
  WRONG_METHOD_NAME: 3,
  BAD_SEQUENCE_ID: 4,
  MISSING_RESULT: 5,
  INTERNAL_ERROR: 6,
  PROTOCOL_ERROR: 7,
  INVALID_TRANSFORM: 8,
  INVALID_PROTOCOL: 9,
  UNSUPPORTED_CLIENT_TYPE: 10,
  /** Kitex's own. */
  UNKNOWN_SERVICE: 20,
  /** Kitex's own. */
  NO_SERVICE_NAME: 21,
} as const;

type ExceptionTypeName = keyof typeof EXCEPTION_TYPE;

const TYPE_OF_CODE = {
  CANCELLED: "INTERNAL_ERROR",
  UNKNOWN: "UNKNOWN",
  INVALID_ARGUMENT: "PROTOCOL_ERROR",
  DEADLINE_EXCEEDED: "INTERNAL_ERROR",
  NOT_FOUND: "INTERNAL_ERROR",
  ALREADY_EXISTS: "INTERNAL_ERROR",
  PERMISSION_DENIED: "INTERNAL_ERROR",
  RESOURCE_EXHAUSTED: "INTERNAL_ERROR",
  FAILED_PRECONDITION: "INTERNAL_ERROR",
  ABORTED: "INTERNAL_ERROR",
  OUT_OF_RANGE: "PROTOCOL_ERROR",
  UNIMPLEMENTED: "UNKNOWN_METHOD",
  INTERNAL: "INTERNAL_ERROR",
  UNAVAILABLE: "INTERNAL_ERROR",
  DATA_LOSS: "INTERNAL_ERROR",
  UNAUTHENTICATED: "INTERNAL_ERROR",
} as const satisfies Record<Code, ExceptionTypeName>;

const CODE_OF_TYPE = {
  UNKNOWN: "UNKNOWN",
  UNKNOWN_METHOD: "UNIMPLEMENTED",
  INVALID_MESSAGE_TYPE: "INTERNAL",
  WRONG_METHOD_NAME: "INTERNAL",
  BAD_SEQUENCE_ID: "INTERNAL",
  MISSING_RESULT: "INTERNAL",
  INTERNAL_ERROR: "INTERNAL",
  PROTOCOL_ERROR: "INVALID_ARGUMENT",
  INVALID_TRANSFORM: "UNIMPLEMENTED",
  INVALID_PROTOCOL: "UNIMPLEMENTED",
  UNSUPPORTED_CLIENT_TYPE: "UNIMPLEMENTED",
  UNKNOWN_SERVICE: "UNIMPLEMENTED",
  NO_SERVICE_NAME: "UNIMPLEMENTED",
} as const satisfies Record<ExceptionTypeName, Code>;

const CODES_BY_TYPE: readonly (Code | undefined)[] = (() => {
  const codes: (Code | undefined)[] = [];
  for (const [name, type] of Object.entries(EXCEPTION_TYPE)) codes[type] = CODE_OF_TYPE[name as ExceptionTypeName];
  return codes;
})();

/** The cause of an error whose TApplicationException type says more than its code. */
export class ThriftFault {
  readonly type: number;

  constructor(type: number) {
    this.type = type;
  }
}

/** The exact code, as it stands before the text: plain Thrift has no other room for it. */
const CODE_PREFIX = /^\[grpc:(\d{1,2}) ([A-Z_]+)\] ?/;

/** What a Thrift caller is told: the text begins with `[grpc:<code> NAME]`. */
export function toApplicationException(error: RpcError): ApplicationException {
  const { code, cause } = error;
  return {
    message: `[grpc:${CODE_NUMBERS[code]} ${code}] ${error.message}`,
    type: cause instanceof ThriftFault ? cause.type : EXCEPTION_TYPE[TYPE_OF_CODE[code]],
  };
}

/** The peer's error: the exact code if its text begins with one, else by type. */
export function fromApplicationException({ message, type }: ApplicationException): RpcError {
  const prefix = CODE_PREFIX.exec(message);
  const exact = prefix ? codeOfNumber(Number(prefix[1])) : undefined;
  const options = { origin: "peer", sent: true, cause: new ThriftFault(type) } as const;
  return prefix && exact !== undefined && exact === prefix[2]
    ? new RpcError(exact, message.slice(prefix[0].length), options)
    : new RpcError(CODES_BY_TYPE[type] ?? "UNKNOWN", message, options);
}
