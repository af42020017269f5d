// From the name on the wire to the Method of the schema.
import type { Method } from "../schema/model.ts";

/** Finds methods by what a wire says. Both throw a RpcError UNIMPLEMENTED that says what would have been understood. */
export interface Lookup {
  /** `service` is a full name, as in gRPC's path `/service/method`. */
  grpc(service: string, method: string): Method;
  /**
   * `name` is the message's name: `method`, or `Service:method` (multiplexed, split at the first `:`). `service` is the
   * one that a header or the listener's configuration names, if any; full or bare.
   */
  thrift(name: string, service: string | undefined): Method;
}
