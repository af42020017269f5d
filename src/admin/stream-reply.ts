// The reply of a streaming call that the sidecar itself answers.
import { RpcError } from "../base/errors.ts";
import { Metadata } from "../base/metadata.ts";
import type { Payload } from "../rpc/call.ts";
import type { StreamReply } from "../rpc/stream.ts";

/** A reply of these messages without metadata; its trailers settle with the iteration. */
export function streamReply(messages: AsyncIterable<Payload>): StreamReply {
  const { promise: trailers, resolve, reject } = Promise.withResolvers<Metadata>();
  // Who reads only the messages hears of a failure from them.
  trailers.catch(() => {});
  async function* read(): AsyncGenerator<Payload> {
    try {
      yield* messages;
      resolve(Metadata.EMPTY);
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      // For a reader that has gone before the end; else it is settled.
      reject(new RpcError("CANCELLED", "the caller went away"));
    }
  }
  return { headers: Metadata.EMPTY, messages: read(), trailers };
}
