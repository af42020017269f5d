// When a call may come again, as a detail of its error: google.rpc.RetryInfo, which every wire carries that has details.
import { Reader, Writer } from "protobufjs/minimal.js";
import type { Detail } from "../base/errors.ts";
import { typeName } from "./status.ts";

const NAME = "google.rpc.RetryInfo";

/** The detail `{1: google.protobuf.Duration retry_delay {1: int64 seconds, 2: int32 nanos}}` for so many milliseconds. */
export function retryInfo(retryAfterMs: number): Detail {
  const seconds = Math.floor(retryAfterMs / 1_000);
  const nanos = Math.round((retryAfterMs - seconds * 1_000) * 1e6);
  const writer = Writer.create().uint32(0x0a).fork().uint32(0x08).int64(seconds);
  return {
    typeUrl: `type.googleapis.com/${NAME}`,
    value: writer.uint32(0x10).int32(nanos).ldelim().finish(),
  };
}

/** What the first such detail says, in milliseconds; undefined without one, or when it says nothing sensible. */
export function readRetryInfo(details: readonly Detail[]): number | undefined {
  if (details.length === 0) return undefined;
  const found = details.find((detail) => typeName(detail) === NAME);
  if (!found) return undefined;
  try {
    const retryAfterMs = readDelay(Reader.create(found.value));
    return retryAfterMs >= 0 ? retryAfterMs : undefined;
  } catch {
    return undefined;
  }
}

function readDelay(reader: Reader): number {
  let retryAfterMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    // The fields of the duration stand within its length, and no others of RetryInfo are known.
    if (tag === 0x0a) checkLength(reader.uint32(), reader);
    else if (tag === 0x08) retryAfterMs += Number(reader.int64()) * 1_000;
    else if (tag === 0x10) retryAfterMs += reader.int32() / 1e6;
    else reader.skipType(tag & 7);
  }
  return retryAfterMs;
}

function checkLength(length: number, { pos, len }: Reader): void {
  if (length > len - pos) throw new RangeError("the duration ends behind the detail");
}
