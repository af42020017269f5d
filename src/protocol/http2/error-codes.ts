// What HTTP/2 says when something is wrong: the codes of RFC 9113 section 7, and the fault that ends a connection.

/** Error codes of RST_STREAM and GOAWAY frames. */
export const ERROR_CODE = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const;

const NAMES = new Map<number, string>(Object.entries(ERROR_CODE).map(([name, code]) => [code, name]));

/** The name of an error code, for people; its number when RFC 9113 has none. */
export function nameOfErrorCode(code: number): string {
  return NAMES.get(code) ?? `0x${code.toString(16)}`;
}

/** A connection error (RFC 9113 section 5.4.1): nothing more can be read. Never leaves this folder. */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
