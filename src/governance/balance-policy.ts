// Which balancing there is, and how each is configured.
import { z } from "zod";
import type { AnyCall, Payload } from "../rpc/call.ts";
import { byMethod } from "./by-method.ts";
import type { EndpointState } from "./endpoint-state.ts";
import { maglev } from "./maglev.ts";
import { fieldOf, headerName } from "./match.ts";
import type { Tracker } from "./observe.ts";
import { peakEwma, trackLatency } from "./peak-ewma.ts";
import type { Picker } from "./picker.ts";
import { roundRobin, weightedRoundRobin } from "./round-robin.ts";
import { slowStart } from "./slow-start.ts";
import { leastRequest } from "./two-choices.ts";

const commons = {
  panicBelow: z
    .number()
    .min(0)
    .max(1)
    .default(0.5) // Envoy's healthy_panic_threshold
    .describe(
      "share of healthy endpoints below which ejected and unhealthy ones are used too, from 0 to 1; 0: only when none is left",
    ),
  subset: z
    .record(z.string().min(1).max(256), z.string().max(256))
    .default({})
    .describe("labels without which an endpoint is never called"),
  preferZone: z
    .boolean()
    .default(true)
    .describe("whether endpoints whose label zone is the sidecar's own zone are called before others"),
};

/** A new endpoint's share grows over time, where choices are free. */
const slowStartMs = z
  .int()
  .min(0)
  .default(0)
  .describe("over how long the share of an endpoint that joins others grows from a tenth, in milliseconds; 0: not");

/** How an upstream's calls are spread over its endpoints. */
const balancePolicies = z
  .discriminatedUnion("policy", [
    z.strictObject({
      policy: z.literal("p2c").describe("the less loaded of two endpoints taken at random, load by latency"),
      decayMs: z
        .number()
        .positive()
        .default(10_000) // Linkerd 2
        .describe("time constant with which a latency is forgotten, in milliseconds"),
      initialMs: z
        .number()
        .positive()
        .default(30) // Linkerd 2
        .describe("latency of an endpoint that was never called, in milliseconds"),
      failureMs: z
        .number()
        .min(0)
        .default(5_000) // Linkerd 2's penalty for failures
        .describe("least latency that a failure counts as, in milliseconds"),
      slowStartMs,
      ...commons,
    }),
    z.strictObject({ policy: z.literal("round-robin").describe("each endpoint in turn"), slowStartMs, ...commons }),
    z.strictObject({
      policy: z.literal("weighted").describe("in turn, by the endpoints' weights"),
      slowStartMs,
      ...commons,
    }),
    z.strictObject({
      policy: z
        .literal("least-request")
        .describe("of two endpoints taken at random the one with fewer calls in flight"),
      slowStartMs,
      ...commons,
    }),
    z
      .strictObject({
        policy: z.literal("maglev").describe("the same endpoint for the same value of a header or a field"),
        header: headerName
          .optional()
          .describe("header (metadata key) whose value chooses the endpoint; calls without it go anywhere"),
        field: z
          .string()
          .min(1)
          .max(256)
          .optional()
          .describe(
            "field whose value chooses the endpoint, as order.customer.id: names from the request down, by the upstream's IDL",
          ),
        ...commons,
      })
      .refine(({ header, field }) => (header === undefined) !== (field === undefined), {
        path: ["header"],
        error: "expected header or field, whose value chooses the endpoint",
      }),
  ])
  .describe("how calls are spread over the endpoints");

/** The same where only what all policies have is written: those of p2c. */
export const balanceOptions = z.preprocess(
  (value) =>
    typeof value === "object" && value !== null && !("policy" in value) ? { policy: "p2c", ...value } : value,
  balancePolicies,
);

export type BalanceOptions = z.output<typeof balanceOptions>;

/** The choice that the options ask for. */
export function pickerOf(options: BalanceOptions, random: () => number): Picker {
  const picker = policyOf(options, random);
  const isSlow = options.policy !== "maglev" && options.slowStartMs > 0;
  return isSlow ? slowStart(picker, options.slowStartMs, random) : picker;
}

function policyOf(options: BalanceOptions, random: () => number): Picker {
  switch (options.policy) {
    case "p2c":
      return peakEwma(options, random);
    case "round-robin":
      return roundRobin();
    case "weighted":
      return weightedRoundRobin();
    case "least-request":
      return leastRequest(random);
    case "maglev":
      return maglev(keyOf(options), random);
  }
}

type Maglev = Extract<BalanceOptions, { readonly policy: "maglev" }>;

/** By what a call chooses. The bridge is above: the message is the upstream's. */
function keyOf({ header, field }: Maglev): (call: AnyCall) => string | undefined {
  if (field === undefined) return ({ headers }) => (header === undefined ? undefined : headers.get(header));
  const readerOf = byMethod((method) => fieldOf(method, field));
  return (call) => ("payload" in call ? readerOf(call.method)(call.payload as Payload) : undefined);
}

/** What the choice needs to learn from each endpoint's attempts. */
export function loadTrackersOf(options: BalanceOptions, state: EndpointState): readonly Tracker[] {
  return options.policy === "p2c" ? [trackLatency(state, options)] : [];
}
