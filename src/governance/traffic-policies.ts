// The policies of all traffic, whichever upstream it goes to, by the names that they have at the top of the config.
import { z } from "zod";
import { authorizeOptions } from "./authorize.ts";
import { faultsOption } from "./inject-faults.ts";
import { routesOption } from "./route-rules.ts";

/** The keys at the top of a config that are policies. */
export const trafficPolicies = {
  authorize: authorizeOptions.optional(),
  faults: faultsOption,
  routes: routesOption,
};

const shape = z.object(trafficPolicies);

/** The policies of all traffic, every default filled. */
export type TrafficPolicies = z.output<typeof shape>;
