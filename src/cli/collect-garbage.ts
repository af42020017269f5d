// What reading a config and its IDL leaves behind, given back before there are calls.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

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
