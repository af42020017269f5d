// Which outcomes speak against an endpoint. What counts is said once, for balancing, ejecting and breaking alike.
import { z } from "zod";
import { CODE_NUMBERS, type Code, toRpcError } from "../base/errors.ts";
import { isBusinessError } from "../rpc/business-error.ts";
import { exceptionOf, type Reply } from "../rpc/call.ts";

/** A gRPC status code by its name. */
export const codeName = z
  .string()
  .refine((name): name is Code => Object.hasOwn(CODE_NUMBERS, name), {
    error: `expected one of ${Object.keys(CODE_NUMBERS).join(", ")}`,
  })
  .describe("name of a gRPC status code");

/** Full names of exceptions that the upstream's IDL declares. */
export const exceptionNames = z.array(z.string().min(1)).default([]);

/** What counts as an endpoint's failure. */
export const failuresOptions = z
  .strictObject({
    codes: z
      .array(codeName)
      .default(["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "DATA_LOSS"])
      .describe("codes that speak against the endpoint; the others speak for it, because it has answered"),
    exceptions: exceptionNames.describe("declared exceptions that speak against the endpoint; others are answers"),
  })
  .describe("what counts as a failure of an endpoint, for balancing, ejecting and breaking");

export type FailuresOptions = z.output<typeof failuresOptions>;

/** What an attempt says of its endpoint; `neither` when it ended for reasons that are not the endpoint's. */
export type Outcome = "success" | "failure" | "neither";

/** Reads what attempts say of their endpoint. */
export interface Judge {
  reply(reply: Reply): Outcome;
  error(thrown: unknown): Outcome;
}

/**
 * A judge of attempts. A cancelled call says nothing, and neither does an error that arose here before anything was
 * sent, unless it is UNAVAILABLE (no connection) or DEADLINE_EXCEEDED. Kitex's business errors are answers.
 */
export function createJudge({ codes, exceptions }: FailuresOptions): Judge {
  const failures = new Set<Code>(codes);
  const named = new Set(exceptions);
  return {
    reply: (reply) => (named.size > 0 && isNamed(reply, named) ? "failure" : "success"),
    error(thrown) {
      const error = toRpcError(thrown);
      const { code, origin, sent } = error;
      if (code === "CANCELLED") return "neither";
      if (origin === "peer" && isBusinessError(error)) return "success";
      const ours = origin === "here" && !sent && code !== "UNAVAILABLE" && code !== "DEADLINE_EXCEEDED";
      if (ours) return "neither";
      return failures.has(code) ? "failure" : "success";
    },
  };
}

/** Whether a reply is an exception of one of these types, by full name. */
export function isNamed(reply: Reply, exceptions: ReadonlySet<string>): boolean {
  const type = exceptionOf(reply)?.type;
  return type?.kind === "message" && exceptions.has(type.type.fullName);
}
