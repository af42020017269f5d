// How a limit is held together with other sidecars.
import { z } from "zod";

/** A rule that holds for all sidecars on one store together. */
export const sharedOption = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .describe("what sidecars that share the limit call it; with the same rate, burst and per on each"),
    onFailure: z
      .enum(["allow", "deny"])
      .default("allow")
      .describe("what becomes of calls while the store does not answer"),
    budgetMs: z
      .number()
      .positive()
      .max(10_000)
      .default(20)
      .describe("longest time that a call waits for the store, in milliseconds"),
  })
  .describe("holds the limit for all sidecars together, in the store that redis at the top of the config names");
