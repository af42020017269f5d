// Takes the compression off messages where somebody is going to read them, or the next wire cannot say it. Above the
// bridge, which reads.
import { decompress } from "../base/compression.ts";
import type { Layer, Payload } from "../rpc/call.ts";
import type { Messages, StreamLayer } from "../rpc/stream.ts";

/** Hands calls on with their message unpacked, at most `maxBytes` of it: RESOURCE_EXHAUSTED beyond, INTERNAL if it cannot be. */
export function unpack(maxBytes: number): Layer {
  return (next) => (call) => {
    if (call.payload.compression === undefined) return next(call);
    return unpacked(call.payload, maxBytes).then((payload) => next({ ...call, payload }));
  };
}

/** The same for each message of a stream's request. */
export function unpackStream(maxBytes: number): StreamLayer {
  return (next) => (call) => {
    if (call.compression === undefined) return next(call);
    const { compression: _, ...plain } = call;
    return next({ ...plain, messages: unpackedAll(call.messages, maxBytes) });
  };
}

async function* unpackedAll(messages: Messages, maxBytes: number): AsyncGenerator<Payload> {
  for await (const payload of messages) yield unpacked(payload, maxBytes);
}

/** A payload without its compression, at most `maxBytes` of it. Rejects as above. */
export async function unpacked({ type, codec, bytes, compression }: Payload, maxBytes: number): Promise<Payload> {
  if (compression === undefined) return { type, codec, bytes };
  // What gRPC's own libraries answer to bytes that cannot be unpacked.
  return { type, codec, bytes: await decompress(bytes, compression, maxBytes, "INTERNAL") };
}
