// `causeway serve`: the sidecar as a process. Signals, exit codes and the log's destination; all else is app.ts.
import { Command } from "commander";
import { levels, pino } from "pino";
import { type App, checkConfig, createApp, createReloader, ListenError, type Reloader } from "../app/app.ts";
import { formatAddress } from "../base/address.ts";
import { systemClock } from "../base/clock.ts";
import { type Diagnostic, formatDiagnostic } from "../base/diagnostic.ts";
import { collectGarbage, serveFreely, startFrugally } from "./heap.ts";
import { createLogOutput } from "./log-output.ts";

const LOG_LEVELS = [...Object.values(levels.labels), "silent"];

/** Runs the sidecar until SIGTERM or SIGINT. */
export const serveCommand = new Command("serve")
  .description("Runs the sidecar by a config file until SIGTERM or SIGINT, and then finishes the calls in flight.")
  .requiredOption("-c, --config <file>", "the config file, YAML")
  .option("--log-level <level>", `least level that is logged: ${LOG_LEVELS.join(", ")}`, "info")
  .addHelpText(
    "after",
    `
The log goes to standard output, a JSON object per line. A second signal stops at once. The config is read anew on SIGHUP, and when
it or its IDL has changed; one that is wrong is refused, and the log says why.

Example:
  $ causeway serve -c causeway.yaml`,
  )
  .action(async ({ config, logLevel }: { config: string; logLevel: string }) => {
    if (!LOG_LEVELS.includes(logLevel)) {
      serveCommand.error(`error: unknown log level '${logLevel}', expected one of ${LOG_LEVELS.join(", ")}`);
    }
    process.exitCode = await serve(config, logLevel);
  });

async function serve(configPath: string, level: string): Promise<number> {
  startFrugally();
  const output = createLogOutput();
  const log = pino({ level }, output.stream);

  let reloader: Reloader | undefined;
  // From the start: without a handler it would end the process.
  process.on("SIGHUP", () => {
    log.info({ signal: "SIGHUP" }, "reading the config anew");
    void reloader?.reload();
  });

  const marks = new Map<string, string>();
  const report = (diagnostic: Diagnostic): void => {
    if (diagnostic.severity === "error") process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
    else log.warn({ ...diagnostic.position, severity: diagnostic.severity }, diagnostic.message);
  };
  const checked = await checkConfig(configPath, report, { marks });
  if (!checked) return 1;
  collectGarbage();

  const signals = watchSignals();
  let app: App;
  try {
    app = await createApp(checked, log, systemClock, {
      droppedLogLines: () => output.dropped,
      logLevel: {
        levels: LOG_LEVELS,
        get: () => log.level,
        set(level) {
          log.level = level;
        },
      },
      drain: () => signals.ask("POST /drain"),
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    process.stderr.write(`causeway: ${error.message}\n`);
    return 1;
  }
  serveFreely();
  for (const { kind, side, address } of app.listeners) {
    log.info({ kind, side, address: formatAddress(address) }, "listening");
  }

  reloader = createReloader(configPath, checked, marks, { app, log, clock: systemClock });

  const signal = await signals.first;
  reloader.close();
  log.info({ signal }, "draining: no new connections, calls in flight are finished");
  await app.close();
  log.info({}, "stopped");
  await output.end();
  return 0;
}

/** Resolves with the first signal that asks to stop; the second one ends the process at once, as shells expect it to. */
function watchSignals(): { readonly first: Promise<string>; ask(who: string): void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let stopping = false;
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  for (const [signal, number] of Object.entries(numbers)) {
    process.on(signal, () => {
      if (stopping) process.exit(128 + number);
      stopping = true;
      resolve(signal);
    });
  }
  return {
    first: promise,
    ask(who) {
      stopping = true;
      resolve(who);
    },
  };
}
