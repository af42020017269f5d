// Stubs through a sidecar beside each language's official Thrift client that calls the server directly; a page of PHP per
// request; and the codecs of stubs beside the official ones.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestFastCgi } from "../test/interop/fastcgi-client.ts";
import { buildJavaOfficial, generateGoOfficial } from "../test/interop/official-programs.ts";
import { buildGo, buildPhpClient, deriveKinds } from "../test/interop/programs.ts";
import { generatePhpStubs } from "../test/interop/stub-programs.ts";
import { ROOT } from "../tools/build-cache.ts";
import { startSidecar } from "../tools/causeway.ts";
import { startPhpFpm } from "../tools/php-fpm.ts";
import { runProgram, startService } from "../tools/program.ts";
import { PHP_THRIFT, whatIsMissing } from "../tools/toolchain.ts";

export interface StubsBenchOptions {
  readonly json: boolean;
  /** Of each side of each case. */
  readonly seconds: number;
  readonly only: string;
}

interface Calls {
  readonly callsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

type Side = "stub" | "official";
const SIDES = ["stub", "official"] as const;
const CALLERS = [1, 16] as const;

/** PHP-FPM parses every file for every page unless opcache remembers them. */
const FPM_SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "PHP-FPM": {},
  "PHP-FPM, opcache": { zend_extension: "opcache", "opcache.enable": "1" },
};

/** How a page calls: over the unix socket that outlives pages, over a new one, and directly over a new connection. */
const PAGES: readonly (readonly [name: string, side: Side, keeps: "0" | "1"])[] = [
  ["stub", "stub", "1"],
  ["stub, new", "stub", "0"],
  ["official", "official", "0"],
];

/** Measures all and prints it. Throws when a program of another language is missing. */
export async function benchStubs({ json, seconds, only }: StubsBenchOptions): Promise<void> {
  const missing = whatIsMissing(["go", "thrift", "protoc", "javac", "mvn", "php", "php-thrift", "php-fpm"]);
  if (missing !== undefined) throw new Error(missing);
  process.stderr.write(
    "echoScalars on a server of Apache Thrift for Go: stubs through a sidecar (unix socket), the official clients directly (TCP).\n",
  );
  const folder = mkdtempSync(join(tmpdir(), "causeway-bench-"));
  const stops: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const wanted = (name: string): boolean => name.includes(only);
  try {
    const programs = await buildPrograms(folder);
    const server = await startService(programs.server, ["thrift-server"], /^ready (.*)$/);
    stops.push(server.stop);
    const local = `unix:${join(folder, "local.sock")}`;
    const sidecar = await startSidecar("bench-stubs", {
      schema: { include: [join(ROOT, "idl")], files: [join(ROOT, "idl/kinds/kinds.thrift")] },
      listeners: [{ kind: "local", address: local }],
      upstreams: { kinds: { protocol: "thrift-framed", endpoints: [server.ready], services: ["kinds.Kinds"] } },
    });
    stops.push(sidecar.stop);
    const addresses = { stub: local, official: server.ready };
    const print = (name: string, side: string, calls: Calls): void => printCalls(json, name, side, calls);
    for (const [language, run] of Object.entries(programs.calls)) {
      for (const callers of language === "PHP" ? CALLERS.slice(0, 1) : CALLERS) {
        const name = `${language}, ${callers} ${callers === 1 ? "caller" : "callers"}`;
        if (!wanted(name)) continue;
        for (const side of SIDES) print(name, side, await run(side, addresses[side], callers, seconds));
      }
    }
    for (const [name, settings] of Object.entries(FPM_SETTINGS)) {
      if (!wanted(name)) continue;
      const fpm = await startPhpFpm(mkdtempSync(join(folder, "fpm-")), 1, { PHP_THRIFT }, settings);
      stops.push(fpm.stop);
      const socket = fpm.ready.slice("unix:".length);
      for (const [who, side, keeps] of PAGES) {
        const params = { SIDE: side, GENERATED: programs.php[side], ADDRESS: addresses[side], KEEPS: keeps };
        print(`${name}, a page per call`, who, await requestPages(socket, params, seconds));
      }
      print(`${name}, a page of no call`, "", await requestPages(socket, {}, seconds));
    }
    for (const [language, codec] of Object.entries(programs.codecs)) {
      if (wanted(`${language} codec`)) for (const line of await codec(seconds)) printCodec(json, language, line);
    }
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

interface Codec {
  readonly message: string;
  readonly wire: string;
  readonly direction: string;
  readonly officialNs: number;
  readonly stubNs: number;
}

async function buildPrograms(folder: string) {
  await deriveKinds();
  const server = await buildGo();
  const module = join(folder, "go");
  cpSync(await generateGoOfficial(), module, { recursive: true });
  const runtime = `causeway.dev/causeway=${join(ROOT, "clients/go")}`;
  await runProgram("go", ["mod", "edit", "-replace", runtime], { cwd: module });
  mkdirSync(join(module, "bench"));
  cpSync(join(ROOT, "bench/stubs/go/main.go"), join(module, "bench/main.go"));
  await runProgram("go", ["build", "-o", "measure", "./bench"], { cwd: module });
  const go = join(module, "measure");

  const libraries = await buildJavaOfficial();
  const sources = join(ROOT, "bench/stubs/java/bench/Bench.java");
  await runProgram("javac", ["-encoding", "UTF-8", "-cp", libraries, "-d", join(folder, "java"), sources]);
  const java = ["-cp", `${join(folder, "java")}:${libraries}`, "bench.Bench"];

  await buildPhpClient();
  const php = { stub: await generatePhpStubs("thrift"), official: join(ROOT, ".cache/interop/php/gen") };
  const script = (name: string): string => join(ROOT, "bench/stubs/php", name);
  const run = async (command: string, args: readonly (string | number)[]): Promise<string[]> =>
    (await runProgram(command, args.map(String), { env: { PHP_THRIFT } })).trim().split("\n");
  const callsOf = async (command: string, args: readonly (string | number)[]): Promise<Calls> =>
    JSON.parse((await run(command, args))[0] ?? "");
  const codecOf = async (command: string, args: readonly (string | number)[]): Promise<Codec[]> =>
    (await run(command, args)).map((line): Codec => JSON.parse(line));
  return {
    server,
    php,
    calls: {
      Go: (side: Side, address: string, callers: number, seconds: number) =>
        callsOf(go, ["calls", side, address, callers, seconds]),
      Java: (side: Side, address: string, callers: number, seconds: number) =>
        callsOf("java", [...java, "calls", side, address, callers, seconds]),
      PHP: (side: Side, address: string, _callers: number, seconds: number) =>
        callsOf("php", [script("calls.php"), side, php[side], address, seconds]),
    },
    codecs: {
      Go: (seconds: number) => codecOf(go, ["codec", seconds]),
      Java: (seconds: number) => codecOf("java", [...java, "codec", seconds]),
      PHP: async (seconds: number): Promise<Codec[]> => {
        const side = async (name: Side): Promise<{ message: string; direction: string; ns: number }[]> =>
          (await run("php", [script("codec.php"), name, php[name], seconds])).map((line) => JSON.parse(line));
        const [stub, official] = [await side("stub"), await side("official")];
        return stub.map(({ ns, ...said }, i) => ({
          ...said,
          wire: "thrift",
          stubNs: ns,
          officialNs: official[i]?.ns ?? Number.NaN,
        }));
      },
    },
  };
}

/** Asks one process of PHP-FPM for a page, again and again. Without parameters the page makes no call. */
async function requestPages(socket: string, params: Readonly<Record<string, string>>, seconds: number): Promise<Calls> {
  const script = Object.keys(params).length === 0 ? "empty.php" : "page.php";
  const times: number[] = [];
  const begin = performance.now();
  while (performance.now() - begin < 1_000 * seconds) {
    const start = performance.now();
    const request = {
      REQUEST_METHOD: "GET",
      SCRIPT_FILENAME: join(ROOT, "bench/stubs/php", script),
      REQUEST_URI: "/",
      ...params,
    };
    const { body } = await requestFastCgi(socket, request);
    if (body.toString() !== "done") throw new Error(`a page of PHP failed: ${body.toString()}`);
    times.push(1_000 * (performance.now() - start));
  }
  const callsPerSecond = (1_000 * times.length) / (performance.now() - begin);
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(part * (times.length - 1))] ?? Number.NaN;
  return { callsPerSecond, p50Us: at(0.5), p99Us: at(0.99) };
}

function printCalls(json: boolean, name: string, side: string, { callsPerSecond, p50Us, p99Us }: Calls): void {
  if (json) printJson({ case: name, side, callsPerSecond, p50Us, p99Us });
  else {
    const cells = [callsPerSecond, p50Us, p99Us].map((each) => Math.round(each).toLocaleString("en").padStart(12));
    const units = ["calls/s", "p50 µs", "p99 µs"];
    process.stdout.write(
      `${name.padEnd(38)}${side.padEnd(10)}${cells.map((cell, i) => `${cell} ${units[i]}`).join("")}\n`,
    );
  }
}

function printCodec(json: boolean, language: string, codec: Codec): void {
  const times = codec.officialNs / codec.stubNs;
  if (json) printJson({ case: `${language} codec`, ...codec, times });
  else {
    const name = `${language} ${codec.wire} ${codec.direction} ${codec.message}`;
    const cells = [codec.officialNs, codec.stubNs].map((ns) => Math.round(ns).toLocaleString("en").padStart(12));
    process.stdout.write(
      `${name.padEnd(38)}${cells[0]} ns official${cells[1]} ns stub   ${times.toFixed(2)} times as fast\n`,
    );
  }
}

function printJson(value: object): void {
  const text = JSON.stringify(value, (_, each) => (typeof each === "number" ? Math.round(each * 100) / 100 : each));
  process.stdout.write(`${text}\n`);
}
