// Who calls: what its certificate proves, else what it says of itself.
import { z } from "zod";
import type { AnyCall } from "../rpc/call.ts";
import { SIDECAR_KEY } from "../rpc/sidecar-keys.ts";

/** Names of callers. */
export const callerNames = z
  .array(z.string().min(1).max(1_024))
  .min(1)
  .describe("names of callers, of their certificates, else of cw-from; a * at the end stands for any rest");

/** The caller's name by its verified certificate, else by `cw-from`, which nobody has verified; undefined for neither. */
export function callerOf({ facts, headers }: AnyCall): string | undefined {
  return facts.caller ?? headers.get(SIDECAR_KEY.FROM);
}

/** Tells whether a name is among those; no name is none of them. */
export function compileCallers(names: readonly string[]): (caller: string | undefined) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith("*")));
  const prefixes = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  return (caller) => {
    if (caller === undefined) return false;
    return exact.has(caller) || prefixes.some((prefix) => caller.startsWith(prefix));
  };
}
