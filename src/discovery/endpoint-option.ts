// An endpoint as people write it: in the config, and in the files of a registry directory.
import { z } from "zod";
import { type Address, formatAddress, parseAddress } from "../base/address.ts";
import type { Endpoint, Labels } from "../rpc/endpoint.ts";

/** `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`, as an Address. */
export const addressOption = z
  .string()
  .transform((text, context): Address => {
    const parsed = parseAddress(text);
    if (parsed) return parsed;
    context.addIssue({
      code: "custom",
      message: `expected HOST:PORT, [IPv6]:PORT or unix:PATH, got ${JSON.stringify(text)}`,
    });
    return z.NEVER;
  })
  .describe("HOST:PORT, [IPv6]:PORT or unix:PATH");

/** Names and values that routes and balancing choose by. */
export const labelsOption = z
  .record(z.string().min(1).max(256), z.string().max(256))
  .refine((labels) => Object.keys(labels).length <= 64, { error: "expected at most 64 labels" })
  .describe("what routes and balancing choose by, such as version and zone");

/** The keys of an endpoint. */
export const endpointShape = {
  address: addressOption.refine((parsed) => parsed.kind === "unix" || parsed.port > 0, {
    error: "expected a port from 1 to 65535: an endpoint cannot be at port 0",
  }),
  weight: z
    .number()
    .min(0.001)
    .max(1_000)
    .default(1)
    .describe("share of the calls relative to the other endpoints', for all balancing but round-robin"),
  priority: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe("0 unless written; endpoints of a higher number are called when too few of the lower ones are healthy"),
  labels: labelsOption.optional(),
};

/** `HOST:PORT`, or a mapping where there is more to say. */
export const endpointOption = z.preprocess(
  (value) => (typeof value === "object" ? value : { address: value }),
  z.strictObject(endpointShape),
);

/** An endpoint that was read. */
export interface EndpointOption {
  readonly address: Address;
  readonly weight: number;
  readonly priority?: number | undefined;
  readonly labels?: Labels | undefined;
}

/** Many endpoints have few labels between them: equal ones are one object. So many different ones are remembered. */
const MAX_INTERNED = 10_000;
const internedLabels = new Map<string, Labels>();

function interned(labels: Labels): Labels {
  const key = JSON.stringify(labels);
  const known = internedLabels.get(key);
  if (known) return known;
  if (internedLabels.size >= MAX_INTERNED) internedLabels.clear();
  internedLabels.set(key, labels);
  return labels;
}

/** The endpoint of an upstream that an option describes. */
export function endpointOf(upstream: string, { address, weight, priority, labels }: EndpointOption): Endpoint {
  return {
    upstream,
    address,
    name: formatAddress(address),
    weight,
    ...(priority && { priority }),
    ...(labels && Object.keys(labels).length > 0 && { labels: interned(labels) }),
  };
}
