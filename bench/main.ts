// `npm run bench -- NAME [--json]`: measures one part of Causeway on this machine. Tables for people, one JSON object per line
// for programs; what is measured is said on stderr.
import { Command } from "commander";
import { type BenchOptions, benchCodec } from "./codec.ts";
import { benchDiscovery, type DiscoveryBenchOptions } from "./discovery.ts";
import { benchGovernance } from "./governance.ts";
import { benchGrpc, type GrpcBenchOptions } from "./grpc.ts";
import { benchPipeline } from "./pipeline.ts";
import { benchSidecar, type SidecarBenchOptions } from "./sidecar.ts";
import { benchStubs, type StubsBenchOptions } from "./stubs.ts";
import { benchTables } from "./tables.ts";

const program = new Command("bench").description("Measures Causeway on this machine.");

program
  .command("codec")
  .description("messages translated between Thrift and Protobuf, beside the npm libraries of both")
  .option("--json", "print one JSON object per case and line instead of a table", false)
  .option("--rounds <n>", "how many rounds of 100 ms each way and side takes turns for; the median counts", Number, 7)
  .option("--native", "measure Go's official libraries too (needs go, thrift and protoc)", false)
  .option("--write", "renew the table of bench/README.md", false)
  .option("--only <case>", "only cases whose name begins so", "")
  .addHelpText("after", "\nExample:\n  npm run bench -- codec --json")
  .action((options: BenchOptions) => benchCodec(options));

program
  .command("tables")
  .description("the memory that 1,000 linked pairs of messages cost the codec (node --expose-gc for exact figures)")
  .action(() => benchTables());

program
  .command("layers")
  .alias("pipeline")
  .description("a call's way down the governance layers, each alone and all defaults together, without sockets")
  .option("--json", "print one JSON object per case and line instead of a table", false)
  .option("--rounds <n>", "how many rounds of 100 ms each case takes turns for; the median counts", Number, 7)
  .addHelpText("after", "\nExample:\n  npm run bench -- layers --json")
  .action((options: { readonly json: boolean; readonly rounds: number }) => benchPipeline(options));

program
  .command("discovery")
  .description(
    "the memory of a sidecar that knows many upstreams, and the time of a change of one (npm run build before)",
  )
  .option("--json", "print a JSON object per line", false)
  .option("--services <n>", "how many upstreams, each with a service", Number, 10_000)
  .option("--endpoints <n>", "how many endpoints each has", Number, 10)
  .option("--called <n>", "how many of them are called, each once", Number, 1_000)
  .option("--changes <n>", "how many changes the mean is of", Number, 50)
  .addHelpText("after", "\nExample:\n  npm run bench -- discovery --services 1000")
  .action((options: DiscoveryBenchOptions) => benchDiscovery(options));

program
  .command("grpc")
  .description("a gRPC hop beside HAProxy and nginx, each on one core (needs go, h2load, haproxy, nginx and taskset)")
  .option("--json", "print one JSON object per case, hop and line instead of a table", false)
  .option("--rounds <n>", "how many rounds the hops take turns for; the median counts", Number, 5)
  .option("--seconds <n>", "how long a round of a hop takes", Number, 2)
  .option("--only <case>", "only cases whose name holds this", "")
  .addHelpText("after", "\nExample:\n  npm run bench -- grpc --json")
  .action((options: GrpcBenchOptions) => benchGrpc(options));

program
  .command("sidecar")
  .description("the hop from wire to wire beside HAProxy, each on one core (needs go, h2load, haproxy and taskset)")
  .option("--json", "print one JSON object per case, hop and line instead of a table", false)
  .option("--rounds <n>", "how many rounds the hops take turns for; the median counts", Number, 5)
  .option("--seconds <n>", "how long a round of a hop takes", Number, 2)
  .option("--only <case>", "only cases whose name holds this", "")
  .addHelpText("after", "\nExample:\n  npm run bench -- sidecar --json")
  .action((options: SidecarBenchOptions) => benchSidecar(options));

program
  .command("stubs")
  .description(
    "stubs through the sidecar beside official Thrift clients, and their codecs (needs go, a JDK, Maven, PHP)",
  )
  .option("--json", "print one JSON object per case, side and line instead of a table", false)
  .option("--seconds <n>", "how long each side of a case takes", Number, 3)
  .option("--only <case>", "only cases whose name holds this, such as Java or codec", "")
  .addHelpText("after", "\nExample:\n  npm run bench -- stubs --json")
  .action((options: StubsBenchOptions) => benchStubs(options));

program
  .command("governance")
  .description("balancers and limiters in computed time, without sockets; renews the plots of bench/governance")
  .addHelpText("after", "\nExample:\n  npm run bench -- governance")
  .action(() => benchGovernance());

await program.parseAsync();
