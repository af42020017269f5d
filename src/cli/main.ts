#!/usr/bin/env node
// The command line: one file, one command.
import { Command } from "commander";

const program = new Command("causeway")
  .description("Lets services in any language call each other: Thrift and Protobuf RPC, translated by schema.")
  .showHelpAfterError("(add --help for what is understood)");

await program.parseAsync();
