// From a reply to the message that says it, in the dress of its call, for those who serve Thrift.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";
import { isBusinessError } from "../../rpc/business-error.ts";
import type { Reply } from "../../rpc/call.ts";
import { exceptionStatus } from "../../rpc/status.ts";
import { writeApplicationException } from "./application-exception.ts";
import { toApplicationException } from "./codes.ts";
import { codecOf } from "./dialect.ts";
import { type Dress, dressEncoded, dressMessage, protocolIdOf } from "./dress.ts";
import { OUT_OF_ORDER_FLAG } from "./header-frame.ts";
import { type ReplyToWrite, writeReplyHeaders } from "./header-keys.ts";
import { writeBusinessError } from "./kitex-keys.ts";
import { replyHead } from "./known-heads.ts";
import { MESSAGE } from "./message.ts";

/**
 * The message that answers a call, in the dress that the call wore; undefined when it is not answered. `reset` tells a
 * caller on TTHeader that the connection takes no further calls.
 */
export function writeReply(dress: Dress, answer: Reply | RpcError, reset = false): Uint8Array | undefined {
  if (!dress.answered) return undefined;
  if (answer instanceof RpcError) return writeError(dress, answer, reset);
  const { payload, headers, trailers } = answer;
  const codec = codecOf(dress.envelope);
  if (payload.codec !== codec) {
    const unexpected = new RpcError("INTERNAL", `the reply came as ${payload.codec}: expected ${codec}`);
    return writeError(dress, unexpected, reset);
  }
  try {
    if (answer.kind === "exception" && codec === "protobuf") {
      // Protobuf's reply has room for the result alone.
      const status = answer.status ?? exceptionStatus(answer.field, payload.bytes);
      const { code, message, details } = status;
      return writeError(dress, new RpcError(code, message, { sent: true, details, headers, trailers }), reset);
    }
    return dressReply(dress, MESSAGE.REPLY, payload.bytes, { headers, trailers, status: undefined, reset });
  } catch (error) {
    if (error instanceof RpcError) return writeError(dress, error, reset);
    throw error;
  }
}

function writeError(dress: Dress, error: RpcError, reset: boolean): Uint8Array {
  const body = writeApplicationException(dress.envelope, toApplicationException(error));
  const { headers, trailers } = error;
  try {
    if (dress.framing === "ttheader" && !dress.profile && isBusinessError(error)) {
      const nothing = NO_RESULT[codecOf(dress.envelope)];
      return dressReply(dress, MESSAGE.REPLY, nothing, { ...writeBusinessError(error), status: error, reset });
    }
    return dressReply(dress, MESSAGE.EXCEPTION, body, { headers, trailers, status: error, reset });
  } catch (tooLarge) {
    if (!(tooLarge instanceof RpcError)) throw tooLarge;
    // The error is worth more than what came with it.
    const alone = { headers: Metadata.EMPTY, trailers: Metadata.EMPTY, status: error, reset };
    return dressReply(dress, MESSAGE.EXCEPTION, body, alone);
  }
}

/** What stands where a result would. */
const NO_RESULT = {
  "thrift-binary": new Uint8Array(1),
  "thrift-compact": new Uint8Array(1),
  protobuf: new Uint8Array(0),
} as const;

function dressReply(dress: Dress, type: number, body: Uint8Array, reply: ReplyToWrite): Uint8Array {
  const { framing, envelope, name, sequenceId, frameId, zlib } = dress;
  const message = { envelope, name, type, sequenceId };
  const start = { flags: dress.flags & OUT_OF_ORDER_FLAG, sequenceId: frameId };
  if (framing === "ttheader") return dressEncoded(start, replyHead(protocolIdOf(envelope), reply), message, body);
  const head = framing === "theader" ? { ...start, zlib, pairs: writeReplyHeaders(reply, framing) } : undefined;
  return dressMessage(framing, head, message, body);
}
