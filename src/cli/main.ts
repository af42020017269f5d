#!/usr/bin/env node
// The command line: one file, one command, loaded when it is asked for. Exit codes: 0 done, 1 wrong input, 2 wrong
// usage, 70 a fault of our own.
import { Command, CommanderError } from "commander";
import { version } from "./version.ts";

/** One subcommand: its line in the overview, and where the rest of it is. */
interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  call: {
    summary: "call a method of any server and print what it answers",
    load: async () => (await import("./call.ts")).callCommand,
  },
  serve: { summary: "run the sidecar", load: async () => (await import("./serve.ts")).serveCommand },
  check: {
    summary: "list what is wrong with IDL or a config, and what does not survive translation",
    load: async () => (await import("./check.ts")).checkCommand,
  },
  convert: {
    summary: "translate messages between the codecs of Thrift, Protobuf and JSON, or explain their bytes",
    load: async () => (await import("./convert.ts")).convertCommand,
  },
  diff: {
    summary: "say which changes between two versions of IDL break somebody",
    load: async () => (await import("./diff.ts")).diffCommand,
  },
  explain: {
    summary: "say what would become of a call by a config, and why",
    load: async () => (await import("./explain.ts")).explainCommand,
  },
  generate: {
    summary: "generate thin stubs for Go, Java, PHP or TypeScript",
    load: async () => (await import("./generate.ts")).generateCommand,
  },
  idl: {
    summary: "derive a .proto file from a .thrift file, or the reverse",
    load: async () => (await import("./idl.ts")).idlCommand,
  },
};

const EXIT = { wrongUsage: 2, fault: 70 };

process.on("uncaughtException", crash);
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output has seen enough, as `causeway … | head` does.
  if (error.code === "EPIPE") process.exit();
  throw error;
});

try {
  const args = process.argv.slice(2);
  await (await createProgram(args)).parseAsync(args, { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT.wrongUsage;
  else crash(error);
}

/** The program with all commands named and the one that `args` ask for loaded: the others would only cost time. */
async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("causeway")
    .description("Lets services in any language call each other: Thrift and Protobuf RPC, translated by schema.")
    .version(version())
    .showHelpAfterError("(add --help for what is understood)")
    .exitOverride();
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = args.includes(name) ? await load() : new Command(name);
    program.addCommand(command.summary(summary).copyInheritedSettings(program));
  }
  return program;
}

function crash(error: unknown): never {
  const debug = process.env["CAUSEWAY_DEBUG"] === "1";
  const message = error instanceof Error ? (debug ? error.stack : error.message) : String(error);
  const hint = debug ? "" : " (a fault of Causeway's own; CAUSEWAY_DEBUG=1 shows the stack)";
  process.stderr.write(`causeway: ${message}${hint}\n`);
  process.exit(EXIT.fault);
}
