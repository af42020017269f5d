// How an upstream's endpoints are asked whether they can take calls, as its config says it. Who asks is health-checks.ts.
import { z } from "zod";
import { probeMethodOption, probePathOption, probeServiceOption, thresholdOptions } from "../rpc/health-check.ts";

const commons = {
  intervalMs: z
    .int()
    .min(100)
    .max(300_000)
    .default(10_000)
    .describe("between two checks of an endpoint, give or take a tenth, in milliseconds; at most 1000 after a failure"),
  timeoutMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(1_000)
    .describe("longest time for an answer, connecting included, in milliseconds"),
  ...thresholdOptions,
};

/** How an upstream's endpoints are checked. */
export const healthCheckOptions = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("tcp").describe("a connection can be made"), ...commons }),
    z.strictObject({
      kind: z.literal("http").describe("a GET is answered with a status of 200 to 299"),
      path: probePathOption.describe("what is asked for, such as /healthz"),
      port: z.int().min(1).max(65_535).optional().describe("where it is asked for, if not at the endpoint's own port"),
      ...commons,
    }),
    z.strictObject({
      kind: z.literal("grpc").describe("gRPC's health service says SERVING (grpc.health.v1)"),
      service: probeServiceOption.default("").describe("the service that is asked for; empty: the whole server"),
      ...commons,
    }),
    z.strictObject({
      kind: z.literal("thrift").describe("a call without arguments is answered"),
      method: probeMethodOption.describe("the method that is called"),
      service: probeServiceOption
        .default("")
        .describe("its service, where the wire names one; empty: the upstream's first"),
      ...commons,
    }),
  ])
  .describe("whether endpoints are asked at intervals if they can take calls, and left out while they cannot");

export type HealthCheckPolicy = z.output<typeof healthCheckOptions>;
