// What unary calls and streams to one gRPC server have in common.
import type { Clock } from "../base/clock.ts";
import type { KnownHeads } from "../protocol/grpc/write-call.ts";
import type { GrpcSessions } from "./grpc-session.ts";

/** What every call to one endpoint needs. */
export interface GrpcContext {
  readonly name: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly heads: KnownHeads;
  readonly maxMessageBytes: number;
  readonly sessions: GrpcSessions;
  readonly clock: Clock;
}
