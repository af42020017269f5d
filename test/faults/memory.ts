// How much memory this process has in use after a collection.
import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes in use once collections free nothing more: objects, and what lies outside the heap (buffers, HTTP/2 sessions). */
export async function usedBytes(): Promise<number> {
  if (typeof collect !== "function") throw new Error("this Node has no gc()");
  let least = Number.POSITIVE_INFINITY;
  for (let unchanged = 0, rounds = 0; unchanged < 3 && rounds < 50; rounds++) {
    collect();
    // Closing sockets and finalizers need turns of the event loop.
    await delay(10);
    const { heapUsed, external } = process.memoryUsage();
    const used = heapUsed + external;
    unchanged = used < least - 64 * 1024 ? 0 : unchanged + 1;
    least = Math.min(least, used);
  }
  return least;
}
