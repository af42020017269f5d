// `causeway call`: calls a method of any server that the sidecar could call, for whoever wants to see what it answers.
import { Command, InvalidArgumentError, Option } from "commander";
import { Canceller } from "../base/cancel.ts";
import { systemClock } from "../base/clock.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Metadata } from "../base/metadata.ts";
import { CODEC_WIRES } from "../codec/codec.ts";
import { CredentialsError } from "../credentials/credentials.ts";
import { createDetailPrinter } from "../protocol/http/detail-json.ts";
import { linkSchema } from "../schema/link-schema.ts";
import { loadDescriptors } from "../schema/load.ts";
import { describe, servicesOf } from "./call-describe.ts";
import { exchange } from "./call-exchange.ts";
import { HELP } from "./call-help.ts";
import { createCallOutput } from "./call-output.ts";
import { type CallBasics, openReflection, type Reflection } from "./call-reflection.ts";
import {
  CALL_CODECS,
  type CallTarget,
  createTarget,
  PROTOCOLS,
  type Protocol,
  type TargetOptions,
} from "./call-target.ts";
import { LIMITS, UsageError } from "./convert-codec.ts";
import { findMethod, type LoadedIdl, linkIdl } from "./convert-type.ts";
import { type IdlOptions, rulesFileOption } from "./load-idl.ts";
import { printDiagnostics } from "./print-report.ts";

interface CallOptions extends IdlOptions, TargetOptions {
  readonly idl?: readonly string[];
  readonly header?: readonly (readonly [string, string])[];
  readonly timeout?: number;
  readonly list?: boolean;
  readonly describe?: string;
  readonly json?: boolean;
  readonly pretty?: boolean;
  readonly verbose?: boolean;
}

const EXIT = { answered: 0, failed: 1, wrongUsage: 2, notConnected: 3, timedOut: 4 } as const;
type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Calls a method and prints what it answers; the exit code says how that went. */
export const callCommand = new Command("call")
  .description("Calls a method of a Thrift, gRPC, Connect or JSON server and prints what it answers as JSON.")
  .argument("<address>", "HOST:PORT, [IPv6]:PORT or unix:PATH")
  .argument("[method]", "SERVICE/METHOD")
  .argument("[json]", "the request: JSON, @FILE, or - for standard input")
  .addOption(new Option("-p, --protocol <protocol>", "what the server speaks").choices(PROTOCOLS))
  .addOption(
    new Option("--codec <codec>", "how messages are encoded, where the protocol leaves it open").choices(CALL_CODECS),
  )
  .option(
    "--idl <file>",
    ".thrift or .proto file, or binary descriptor set, that declares the service (repeatable)",
    collect,
  )
  .option("-I, --include <dir>", "look for includes and imports here too (repeatable)", collect)
  .option("--allow-neg-keys", "take Thrift field ids below 1 as they are written")
  .addOption(rulesFileOption)
  .option("-H, --header <name:value>", "metadata of the call (repeatable)", collectHeader)
  .option("--timeout <time>", "the call's deadline, as in 500ms, 5s or 1m", parseTime)
  .addOption(
    new Option("--connect-timeout <time>", "longest time to connect").argParser(parseTime).default(10_000, "10s"),
  )
  .option("--path <path>", "over HTTP: the path, or what stands before SERVICE/METHOD")
  .option("--script <file>", "over FastCGI: the script that answers, as PHP-FPM finds it")
  .option("--authority <host>", "the host that the server is told, if not the address")
  .option("--multiplexed", "write Thrift names as Service:method")
  .option("--tls", "speak TLS")
  .option("--ca <file>", "with TLS: authorities that the server's certificate is held against")
  .option("--cert <file>", "with TLS: certificate to show")
  .option("--key <file>", "with TLS: the certificate's private key")
  .option("--server-name <name>", "with TLS: the name that the server's certificate must have")
  .option("--insecure", "with TLS: take any certificate")
  .option("--list", "print the services instead, a line each")
  .option("--describe <name>", "print the IDL of a service or type instead")
  .option("--json", "write JSON on one line, errors too")
  .option("--pretty", "write JSON over several lines")
  .option("-v, --verbose", "print metadata and timing to standard error")
  .addHelpText("after", HELP)
  .action(async (address: string, method: string | undefined, json: string | undefined, options: CallOptions) => {
    process.exitCode = await callAndReport(address, method, json, options);
  });

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function collectHeader(value: string, before: readonly (readonly [string, string])[] = []) {
  const parts = /^([A-Za-z0-9_.-]+):\s*(.*)$/.exec(value);
  if (!parts) throw new InvalidArgumentError("Expected NAME:VALUE.");
  return [...before, [parts[1] ?? "", parts[2] ?? ""] as const];
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

function parseTime(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  const timeMs = Number(parts?.[1]) * (UNITS_MS[parts?.[2] ?? "s"] ?? 0);
  if (!(timeMs > 0)) throw new InvalidArgumentError("Expected a time, as in 500ms, 5s or 1m.");
  return Math.ceil(timeMs);
}

/** Everything that a person can put right becomes a line on standard error and an exit code. */
async function callAndReport(
  address: string,
  method: string | undefined,
  json: string | undefined,
  options: CallOptions,
): Promise<ExitCode> {
  try {
    return await run(address, method, json, options);
  } catch (error) {
    if (error instanceof UsageError || error instanceof CredentialsError) {
      process.stderr.write(`causeway call: ${error.message}\n`);
      return EXIT.wrongUsage;
    }
    if (!(error instanceof RpcError)) throw error;
    createCallOutput({ ...outputOptions(options), printDetail: () => undefined }).failure(error);
    return exitCodeOf(error, options);
  }
}

function exitCodeOf({ code, sent, origin }: RpcError, { timeout }: CallOptions): ExitCode {
  // Whoever notices first, the server was told of it too.
  if (code === "DEADLINE_EXCEEDED" && timeout !== undefined) return EXIT.timedOut;
  return code === "UNAVAILABLE" && !sent && origin === "here" ? EXIT.notConnected : EXIT.failed;
}

function outputOptions({ json = false, pretty = false, verbose = false }: CallOptions) {
  return { json, pretty: pretty || (!json && process.stdout.isTTY === true), verbose };
}

function basicsOf({ header = [], timeout }: CallOptions): CallBasics & { readonly stop: () => void } {
  const signal = new Canceller();
  const isBounded = timeout !== undefined;
  const tooLate = (): void => {
    signal.abort(new RpcError("DEADLINE_EXCEEDED", `no answer within ${timeout} ms (--timeout)`));
  };
  const stop = isBounded ? systemClock.after(timeout, tooLate) : () => {};
  const expiresAtMs = isBounded ? systemClock.nowMs() + timeout : Number.POSITIVE_INFINITY;
  return { headers: Metadata.from(header), expiresAtMs, signal, stop };
}

async function run(
  address: string,
  method: string | undefined,
  json: string | undefined,
  options: CallOptions,
): Promise<ExitCode> {
  const { list, describe: described, idl: files } = options;
  if (method === undefined && !list && described === undefined) {
    throw new UsageError("say what to call: SERVICE/METHOD, or --list or --describe NAME");
  }
  const named = method === undefined ? undefined : splitMethod(method);
  const idl = files && linkIdl(files, options);
  if (files && !idl) return EXIT.wrongUsage;
  const protocol = options.protocol ?? guessProtocol(idl, named?.service);
  const target = createTarget(address, protocol, options, logOf(options));
  const { stop, ...basics } = basicsOf(options);
  try {
    const schema = idl ? schemaOfIdl(idl) : await schemaOfServer(target, basics);
    try {
      if (list) return print(`${(await schema.list()).join("\n")}\n`);
      if (described !== undefined) return print(describe(await schema.load(described), described));
      if (!named) return EXIT.wrongUsage;
      return await call(await schema.load(named.service), named, json, target, basics, options);
    } finally {
      schema.close();
    }
  } finally {
    stop();
    await target.handler.close();
  }
}

function print(text: string): ExitCode {
  process.stdout.write(text);
  return EXIT.answered;
}

async function call(
  idl: LoadedIdl,
  { service, name }: MethodName,
  json: string | undefined,
  target: CallTarget,
  basics: CallBasics,
  options: CallOptions,
): Promise<ExitCode> {
  const method = findMethod(idl, name, service, [CODEC_WIRES[target.codec] ?? "protobuf"]);
  const printDetail = createDetailPrinter(idl.linked, LIMITS);
  const output = createCallOutput({ ...outputOptions(options), printDetail });
  try {
    const isResult = await exchange({ idl, method, target, basics, json, output });
    return isResult ? EXIT.answered : EXIT.failed;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    output.metadata("<", error.headers);
    output.metadata("<<", error.trailers);
    output.failure(error);
    return exitCodeOf(error, options);
  }
}

interface MethodName {
  readonly service: string;
  readonly name: string;
}

function splitMethod(method: string): MethodName {
  const parts = /^\/?([^/]+)\/([^/]+)$/.exec(method);
  if (parts) return { service: parts[1] ?? "", name: parts[2] ?? "" };
  throw new UsageError(`the method is ${JSON.stringify(method)}: expected SERVICE/METHOD, as in shop.Inventory/get`);
}

/** By the IDL that declares the service; without IDL there is only reflection to ask, which is gRPC's. */
function guessProtocol(idl: LoadedIdl | undefined, service: string | undefined): Protocol {
  const files = idl?.schema.files ?? [];
  const declaring = files.filter(({ services }) =>
    services.some(({ fullName }) => fullName === service || fullName.endsWith(`.${service}`)),
  );
  return declaring.length > 0 && declaring.every(({ wire }) => wire === "thrift") ? "thrift-framed" : "grpc";
}

/** Where the schema comes from. */
interface SchemaSource {
  list(): Promise<readonly string[]>;
  /** The schema that declares a service or type. */
  load(symbol: string): Promise<LoadedIdl>;
  close(): void;
}

function schemaOfIdl(idl: LoadedIdl): SchemaSource {
  return { list: async () => servicesOf(idl), load: async () => idl, close() {} };
}

async function schemaOfServer({ protocol, handler, name }: CallTarget, basics: CallBasics): Promise<SchemaSource> {
  if (protocol !== "grpc" || !handler.handleStream) {
    throw new UsageError(`${protocol} has no reflection: give the server's IDL with --idl FILE`);
  }
  const reflection = await openReflection(handler.handleStream, basics);
  return {
    list: reflection.listServices,
    load: async (symbol) => linkDescriptors(name, await reflection.describe(await fullNameOf(symbol, reflection))),
    close: reflection.close,
  };
}

/** A bare name is that of the one service that ends with it. */
async function fullNameOf(symbol: string, reflection: Reflection): Promise<string> {
  const services = await reflection.listServices();
  const found = services.includes(symbol) ? [symbol] : services.filter((service) => service.endsWith(`.${symbol}`));
  if (found.length > 1) throw new UsageError(`${JSON.stringify(symbol)} is one of ${found.join(", ")}: say which`);
  return found[0] ?? symbol;
}

function linkDescriptors(name: string, descriptors: Uint8Array): LoadedIdl {
  const errors: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") errors.push(diagnostic);
  };
  const schema = loadDescriptors(name, descriptors, report);
  // What Thrift has no way to say is no fault here.
  if (schema) return { schema, linked: linkSchema(schema, { pairs: [] }, () => {}) };
  printDiagnostics(errors, process.stderr);
  throw new UsageError(`the schema that ${name} gives of itself cannot be read: give its IDL with --idl FILE`);
}

/** What clients have to say is for those who ask. */
function logOf({ verbose = false }: CallOptions): Log {
  const say = (facts: object, text: string): void => {
    if (verbose) process.stderr.write(`${text} ${JSON.stringify(facts)}\n`);
  };
  return { debug() {}, info() {}, warn: say, error: say };
}
