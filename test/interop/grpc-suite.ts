// gRPC's official interop suite, built from its Go module: one run of its client makes one case.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { buildOnce, ROOT } from "../../tools/build-cache.ts";
import { runProgram, type Service, startService } from "../../tools/program.ts";

/** The programs of the suite, and of those who ask a server about itself. */
export interface GrpcSuite {
  /** grpc-go's client of the suite. */
  readonly client: string;
  readonly grpcurl: string;
  readonly healthProbe: string;
  /** A FileDescriptorSet of grpc.testing.TestService and the others of its file. */
  readonly descriptors: string;
  /** Starts grpc-go's server of the suite; `ready` is its address. */
  startServer(): Promise<Service>;
}

const PACKAGES = [
  "google.golang.org/grpc/interop/client",
  "github.com/fullstorydev/grpcurl/cmd/grpcurl",
  "github.com/grpc-ecosystem/grpc-health-probe",
];

export const TEST_SERVICE = "grpc.testing.TestService";
export const LOAD_SERVICE = "xds.service.orca.v3.OpenRcaService";

/** Builds the programs once; needs Go. */
export async function buildGrpcSuite(): Promise<GrpcSuite> {
  const folder = await buildOnce({
    folder: ".cache/interop/grpc-suite",
    sources: "test/interop/grpc-suite",
    inputs: [],
    async make(cwd) {
      mkdirSync(join(cwd, "bin"));
      await runProgram("go", ["build", "-o", "bin/", ".", ...PACKAGES], { cwd });
      await runProgram(join(cwd, "bin/grpc-suite"), ["descriptors", "suite.binpb"], { cwd });
    },
  });
  const bin = (name: string): string => join(folder, "bin", name);
  return {
    client: bin("client"),
    grpcurl: bin("grpcurl"),
    healthProbe: bin("grpc-health-probe"),
    descriptors: join(folder, "suite.binpb"),
    startServer: () => startService(bin("grpc-suite"), ["server"], /^ready (.*)$/),
  };
}

/** Every case of the suite's client but those that need credentials of Google's cloud. */
export const SUITE_CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "timeout_on_sleeping_server",
  "cancel_after_begin",
  "cancel_after_first_response",
  "status_code_and_message",
  "special_status_message",
  "custom_metadata",
  "unimplemented_method",
  "unimplemented_service",
  "pick_first_unary",
  "rpc_soak",
  "channel_soak",
  "orca_per_rpc",
  "orca_oob",
] as const;

/** Cases of unary calls alone, which a Thrift server can answer. */
export const UNARY_CASES = [
  "empty_unary",
  "large_unary",
  "special_status_message",
  "pick_first_unary",
  "rpc_soak",
  "channel_soak",
] as const;

/** The cases of grpc-java's client that its own server has, those with compression among them. */
export const JAVA_CASES = [
  "empty_unary",
  "large_unary",
  "client_compressed_unary_noprobe",
  "server_compressed_unary",
  "client_streaming",
  "client_compressed_streaming_noprobe",
  "server_streaming",
  "server_compressed_streaming",
  "ping_pong",
  "empty_stream",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "unimplemented_method",
  "unimplemented_service",
  "cancel_after_begin",
  "cancel_after_first_response",
  "timeout_on_sleeping_server",
] as const;

/** Cases of all four kinds of calls, and of how they end early, which every library here has. */
export const COMMON_CASES = [
  "empty_unary",
  "large_unary",
  "client_streaming",
  "server_streaming",
  "ping_pong",
  "empty_stream",
  "custom_metadata",
  "status_code_and_message",
  "special_status_message",
  "cancel_after_begin",
  "cancel_after_first_response",
  "timeout_on_sleeping_server",
] as const;
export type CommonCase = (typeof COMMON_CASES)[number];

/** Runs one case; undefined when it passes, else what its client says. */
export async function runSuiteCase(client: string, address: string, name: string): Promise<string | undefined> {
  const [host, port] = address.split(":");
  const load = name.startsWith("orca_") ? [LOAD_POLICY] : [];
  const args = [`-server_host=${host}`, `-server_port=${port}`, `-test_case=${name}`, ...SOAK, ...load];
  try {
    await runProgram(client, args, { signal: AbortSignal.timeout(CASE_MS) });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const CASE_MS = 60_000;
/** Many calls in a row; how long they take is for benchmarks. */
const SOAK = [
  "-soak_iterations=20",
  "-soak_num_threads=4",
  "-soak_per_iteration_max_acceptable_latency_ms=30000",
  "-soak_overall_timeout_seconds=50",
];
/** The client's own policy for reading load reports. */
const LOAD_POLICY = '-service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';

/** Where a sidecar keeps what the suite needs. */
export const suiteConfig = (endpoint: string, descriptors: string | undefined, protocol = "grpc"): object => ({
  schema: descriptors === undefined ? {} : { files: [descriptors], include: [ROOT] },
  listeners: [{ address: "127.0.0.1:0", kind: "local" }],
  upstreams: {
    suite: {
      protocol,
      endpoints: [endpoint],
      services: descriptors === undefined ? [] : [TEST_SERVICE, "grpc.testing.UnimplementedService"],
      opaqueServices: [
        ...(descriptors === undefined ? [TEST_SERVICE, "grpc.testing.UnimplementedService"] : []),
        LOAD_SERVICE,
      ],
    },
  },
});
