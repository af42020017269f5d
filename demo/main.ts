// npm run demo: a shop whose services speak different protocols, a sidecar between them, and callers in four languages who
// each call the other world, with the official libraries and with stubs. Exits 0 only if every answer is what it must be.
import { join } from "node:path";
import { ROOT } from "../tools/build-cache.ts";
import { startSidecar } from "../tools/causeway.ts";
import { type Service, startService } from "../tools/program.ts";
import { whatIsMissing } from "../tools/toolchain.ts";
import { type Caller, OFFICIAL_CALLERS, type RunCaller } from "./callers.ts";
import { deriveTwins, SHOP } from "./generate.ts";
import { STUB_CALLERS } from "./stub-callers.ts";
import { printTable } from "./table.ts";

interface ExpectedCall {
  /** What the service speaks. */
  readonly to: "gRPC" | "Thrift";
  readonly call: string;
  readonly outcome: string;
  readonly answer: string;
  /** Where stubs say it otherwise. */
  readonly stubAnswer?: string;
}

/** What every caller calls, in this order, and what must come back. */
const CALLS: readonly ExpectedCall[] = [
  { to: "gRPC", call: "Orders.Place", outcome: "result", answer: "placed, 21.00 EUR" },
  {
    to: "gRPC",
    call: "Vouchers.redeem",
    outcome: "declared exception",
    answer: "VoucherExpired: SPRING-2019, in 2019",
  },
  {
    to: "gRPC",
    call: "Orders.Get",
    outcome: "error",
    answer: '[grpc:5 NOT_FOUND] there is no order "lost"',
    // Thrift has no codes; stubs do.
    stubAnswer: 'NOT_FOUND: there is no order "lost"',
  },
  { to: "Thrift", call: "Inventory.reserve", outcome: "result", answer: "reserved in BERLIN, 9.00 EUR" },
  {
    to: "Thrift",
    call: "Inventory.reserve",
    outcome: "declared exception",
    answer: "OutOfStock: CUP-BLUE, 3 left",
  },
  {
    to: "Thrift",
    call: "Inventory.search",
    outcome: "error",
    answer: "UNKNOWN: the limit must be from 1 to 100, not 0",
  },
];

/** What a caller program says of one call. */
interface Line {
  readonly over: string;
  readonly call: string;
  readonly answer: string;
  readonly ms: number;
}

interface Row {
  readonly cells: readonly string[];
  /** Undefined for a caller that was skipped. */
  readonly right: boolean | undefined;
}

const HEADING = ["caller", "over", "calls", "served over", "outcome", "answer", "time"];

const stop = new AbortController();
const { signal } = stop;
const started: Promise<Service>[] = [];
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort(name));

try {
  process.exitCode = await demo();
} catch (error) {
  if (!signal.aborted) progress(error instanceof Error ? error.message : String(error));
  process.exitCode = signal.aborted ? 130 : 1;
} finally {
  // Also ends what is still being started or built after a failure.
  stop.abort();
  for (const service of await Promise.allSettled(started)) {
    if (service.status === "fulfilled") await service.value.stop();
  }
}

async function demo(): Promise<number> {
  const [inventory, orders] = await Promise.all([start("inventory.ts"), start("orders.ts"), deriveTwins()]);
  progress(`The inventory serves Apache Thrift on ${inventory.ready}`);
  progress(`The orders and vouchers serve gRPC on ${orders.ready}`);
  const sidecar = await keep(startSidecar("demo", configOf(inventory.ready, orders.ready), signal));
  progress(`The sidecar serves both on ${sidecar.ready}`);

  const built = [...OFFICIAL_CALLERS, ...STUB_CALLERS].map((caller) => ({
    caller,
    missing: whatIsMissing(caller.tools),
    run: build(caller),
  }));
  const rows: Row[] = [];
  for (const { caller, missing, run } of built) {
    rows.push(...(missing ? [skipped(caller, missing)] : await rowsOf(caller, run, sidecar.ready)));
  }
  printTable(
    HEADING,
    rows.map(({ cells }) => cells),
    rows.map(({ right }) => right),
  );

  const wrong = rows.filter(({ right }) => right === false).length;
  const right = rows.filter(({ right }) => right === true).length;
  const summary =
    wrong === 0
      ? `All ${right} calls were answered as they must be.`
      : `${wrong} of ${right + wrong} calls were not answered as they must be.`;
  process.stdout.write(`\n${summary}\n`);
  if (wrong > 0) progress(`The end of the sidecar's log:\n${sidecar.tail()}`);
  return wrong === 0 ? 0 : 1;
}

function start(file: string): Promise<Service> {
  return keep(startService(process.execPath, [join(ROOT, "demo", file)], /^listening (.*)$/, { signal }));
}

/** Remembers a service, so that it is stopped in the end. */
function keep(service: Promise<Service>): Promise<Service> {
  started.push(service);
  return service;
}

function configOf(inventory: string, orders: string): object {
  return {
    schema: { include: [join(ROOT, "idl")], files: SHOP.map((file) => join(ROOT, file)) },
    listeners: [{ kind: "local", address: "127.0.0.1:0" }],
    upstreams: {
      inventory: { protocol: "thrift-framed", endpoints: [inventory], services: ["shop.Inventory"] },
      orders: { protocol: "grpc", endpoints: [orders], services: ["shop.v1.Orders", "shop.Vouchers"] },
    },
    accessLog: "all",
  };
}

/** Begins to build a caller at once; undefined when its tools are missing. */
function build(caller: Caller): Promise<RunCaller> | undefined {
  if (whatIsMissing(caller.tools)) return undefined;
  const started = () =>
    progress(`Building the caller in ${caller.language} with ${caller.with}; this takes a while once`);
  const run = caller.build(started, { signal });
  // Whoever waits for it hears of its failure; until then it is nobody's.
  run.catch(() => {});
  return run;
}

function skipped({ language, with: means }: Caller, missing: string): Row {
  return { cells: [language, `with ${means}, skipped: ${missing}`], right: undefined };
}

async function rowsOf(caller: Caller, run: Promise<RunCaller> | undefined, address: string): Promise<Row[]> {
  const output = (await (await run)?.(address)) ?? "";
  const lines = output.split("\n").filter((line) => line !== "");
  const answers = lines.map((line): Line => JSON.parse(line));
  return CALLS.filter(({ to }) => caller.over[to] !== undefined).map(({ to, call, outcome, answer, stubAnswer }, i) => {
    const got = answers[i];
    const over = caller.over[to] ?? "";
    const expected = (caller.with === "stubs" ? stubAnswer : undefined) ?? answer;
    const right = got?.over === over && got.call === call && got.answer === expected;
    const time = got ? `${got.ms.toFixed(1)} ms` : "";
    return { cells: [caller.language, over, call, to, outcome, got?.answer ?? "no answer", time], right };
  });
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
