// Cases of the official gRPC suites that do not pass through the sidecar yet, and why. The list only shrinks: a case that
// is in it and passes fails the test.

/** By `client server/case`. */
export const KNOWN_FAILURES: Readonly<Record<string, string>> = {};

/** What became of a case, held against the list; undefined when that is as it should be. */
export function judge(name: string, failure: string | undefined): string | undefined {
  if (KNOWN_FAILURES[name] === undefined) return failure;
  return failure === undefined ? `${name} passes now: take it off the list in known-failures.ts` : undefined;
}
