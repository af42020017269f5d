// The metadata that sidecars tell each other. What applications say by these names is dropped where it comes in, so that
// nobody can say it for a sidecar.
import type { Metadata } from "../base/metadata.ts";

/** The keys of metadata that one sidecar tells the next, in lower case. */
export const SIDECAR_KEY = {
  /** How many sidecars have sent the call on, in decimal; every call between sidecars has it. */
  HOPS: "cw-hops",
  /** Which attempt a call is, in decimal from 2 on. The next hop leaves such calls to this one, as Kitex does. */
  ATTEMPT: "cw-attempt",
  /** The application that calls. */
  FROM: "cw-from",
  /** Before the name of a label that follows the call through its hops. */
  LABEL_PREFIX: "cw-label-",
} as const;

const TOLD = /^cw-(?:hops|attempt|from|label-.+)$/;

/** Whether a lower-case key is Causeway's own, of whatever meaning. */
export function isOwnKey(key: string): boolean {
  return key.startsWith("cw") && (key.length === 2 || key[2] === "-");
}

/** Whether a lower-case key is one that a sidecar tells the next. */
export function isSidecarKey(key: string): boolean {
  return isOwnKey(key) && TOLD.test(key);
}

/** How many pairs are not Causeway's own. */
export function countForeign(metadata: Metadata): number {
  let count = 0;
  for (const [key] of metadata) if (!isOwnKey(key)) count++;
  return count;
}

/** Whether a call says that a sidecar has sent it. */
export function isFromSidecar(metadata: Metadata): boolean {
  return metadata.get(SIDECAR_KEY.HOPS) !== undefined;
}
