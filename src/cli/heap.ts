// How V8 keeps a sidecar's heap: small beside an application, and without threads of its own that take the application's processor.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * To be called first. What is read at the start is garbage soon, and V8 would let the heap grow to four times of what lives before it
 * looks: so it collects more often as long as nothing is served. And it marks in the thread that makes the garbage: what lives is
 * little, and with a second thread on the same processor calls with large messages cost twice as much.
 */
export function startFrugally(): void {
  setFlagsFromString("--no-concurrent-marking");
  setFlagsFromString("--heap-growing-percent=40");
}

/** To be called when calls are served: V8 decides again when to collect. */
export function serveFreely(): void {
  setFlagsFromString("--heap-growing-percent=0");
}

/**
 * Collects all garbage, and lets the space of young objects shrink to what it began with: starting up makes it grow to twice its
 * 16 MB, which V8 gives back of its own only to a process that does nothing for long. Takes some tens of milliseconds.
 */
export function collectGarbage(): void {
  // The function is in no context that exists before the flag is set.
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  // Nothing less makes the space smaller.
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
