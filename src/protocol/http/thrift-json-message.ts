// The envelope of a Thrift message in JSON, as TJSONProtocol of every library writes it: [1,"name",type,sequenceId,struct]
import { RpcError } from "../../base/errors.ts";

/** What stands around the struct. */
export interface JsonMessageHeader {
  readonly name: string;
  /** 1 call, 2 reply, 3 exception, 4 oneway. */
  readonly type: number;
  readonly sequenceId: number;
}

/** Most bytes of what stands before the struct: names are method names, so this is generous. */
const MAX_HEAD_BYTES = 2_048;

const HEAD = /^\s*\[\s*1\s*,\s*("(?:[^"\\]|\\.)*")\s*,\s*(\d{1,3})\s*,\s*(-?\d{1,10})\s*,/;

/** Takes a message apart; its struct is not looked into. Throws a RpcError INVALID_ARGUMENT when it is none. */
export function readJsonMessage(message: Uint8Array): JsonMessageHeader & { readonly struct: Uint8Array } {
  const buffer = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  // One character a byte, so that the length of the match is where the struct begins.
  const head = HEAD.exec(buffer.toString("latin1", 0, MAX_HEAD_BYTES));
  let end = buffer.length;
  while (end > 0 && buffer[end - 1]! <= 0x20) end--;
  if (!head || buffer[end - 1] !== 0x5d) throw noMessage(buffer);
  const [all, name, type, sequenceId] = head;
  return {
    name: parseName(Buffer.from(name!, "latin1").toString("utf8"), buffer),
    type: Number(type),
    sequenceId: Number(sequenceId) | 0,
    struct: buffer.subarray(all.length, end - 1),
  };
}

function parseName(json: string, message: Buffer): string {
  try {
    return String(JSON.parse(json));
  } catch {
    throw noMessage(message);
  }
}

function noMessage(message: Buffer): RpcError {
  const start = JSON.stringify(message.toString("latin1", 0, 40));
  return new RpcError("INVALID_ARGUMENT", `a Thrift message in JSON is [1,"name",type,sequenceId,{…}], not ${start}`);
}

/** A message from its struct, or any other JSON text that stands for one. */
export function writeJsonMessage(
  { name, type, sequenceId }: JsonMessageHeader,
  struct: Uint8Array | string,
): Uint8Array {
  return Buffer.concat([
    Buffer.from(`[1,${JSON.stringify(name)},${type},${sequenceId},`),
    typeof struct === "string" ? Buffer.from(struct) : struct,
    Buffer.from("]"),
  ]);
}
