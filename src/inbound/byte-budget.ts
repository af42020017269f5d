// How many bytes of requests a connection may hold at once.
import type { ByteBudget } from "../protocol/grpc/message-stream.ts";

/** A budget of `maxBytes` for all who take of it. */
export function createByteBudget(maxBytes: number): ByteBudget {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > maxBytes) return false;
      held += bytes;
      return true;
    },
    give(bytes) {
      held -= bytes;
    },
  };
}
