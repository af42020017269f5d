// Which calls may run twice: said once, for retries and hedging alike.
import { z } from "zod";
import type { Method } from "../schema/model.ts";

/** Methods that may run twice though their IDL does not say so. */
export const idempotentMethods = z
  .array(z.string().min(1))
  .default([])
  .describe("methods that may run twice, as Service/method or Service/*, beside those whose IDL says so");

/** Tells whether a method may run twice: by its IDL or by its name in the list, and never when it is oneway. */
export function compileIdempotence(names: readonly string[]): (method: Method) => boolean {
  const listed = new Set(names);
  return ({ oneway, idempotent, service, name }) =>
    !oneway && (idempotent || listed.has(`${service}/${name}`) || listed.has(`${service}/*`));
}
