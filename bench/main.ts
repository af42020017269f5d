// `npm run bench -- NAME [--json]`: measures one part of Causeway on this machine. Tables for people, one JSON object per line
// for programs; what is measured is said on stderr.
import { Command } from "commander";
import { type BenchOptions, benchCodec } from "./codec.ts";
import { benchPipeline } from "./pipeline.ts";
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
  .command("pipeline")
  .description("a call's way down the governance layers, each alone and all defaults together, without sockets")
  .option("--json", "print one JSON object per case and line instead of a table", false)
  .option("--rounds <n>", "how many rounds of 100 ms each case takes turns for; the median counts", Number, 7)
  .addHelpText("after", "\nExample:\n  npm run bench -- pipeline --json")
  .action((options: { readonly json: boolean; readonly rounds: number }) => benchPipeline(options));

await program.parseAsync();
