// The policies that one upstream's stack takes, by the names that they have in its config.
import { z } from "zod";
import { attemptTimeoutMsOption } from "./attempt-timeout.ts";
import { balanceOptions } from "./balance-policy.ts";
import { breakerOptions } from "./breaker.ts";
import { unknownFieldsOption } from "./bridge.ts";
import { concurrencyOptions } from "./concurrency.ts";
import { streamTimeoutMsOption, timeoutMsOption } from "./deadline.ts";
import { degradeOption } from "./degrade.ts";
import { failuresOptions } from "./failure.ts";
import { healthCheckOptions } from "./health-check-policy.ts";
import { hedgeOptions } from "./hedge.ts";
import { outlierOptions } from "./outlier.ts";
import { rateLimitOptions } from "./rate-limit.ts";
import { retryOptions } from "./retry.ts";
import { scopedPoliciesOption } from "./scoped-policies.ts";

/** The keys of an upstream that are policies. */
export const upstreamPolicies = {
  degrade: degradeOption,
  rateLimit: rateLimitOptions,
  concurrency: concurrencyOptions.optional(),
  timeoutMs: timeoutMsOption,
  streamTimeoutMs: streamTimeoutMsOption,
  retry: retryOptions.prefault({}),
  hedge: hedgeOptions.optional(),
  balance: balanceOptions.prefault({}),
  attemptTimeoutMs: attemptTimeoutMsOption,
  unknownFields: unknownFieldsOption,
  failures: failuresOptions.prefault({}),
  healthCheck: healthCheckOptions.optional(),
  outlier: outlierOptions.prefault({}),
  breaker: breakerOptions.optional(),
  policies: scopedPoliciesOption,
};

const shape = z.object(upstreamPolicies);

/** One upstream's policies, every default filled. */
export type UpstreamPolicies = z.output<typeof shape>;
