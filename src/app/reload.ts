// When a running sidecar takes a new config: at once when it is told to, and by itself when the config file or a file of
// its IDL has changed. A new config that is wrong is refused as a whole.
import { isDeepStrictEqual } from "node:util";
import type { Clock, Stop } from "../base/clock.ts";
import type { Diagnostic } from "../base/diagnostic.ts";
import type { Log } from "../base/log.ts";
import { diffSchemas, type Finding } from "../schema/diff.ts";
import { type CheckedConfig, checkConfig } from "./check-config.ts";
import { type FileMarks, haveChanged, marksNow } from "./file-mark.ts";
import type { Idl } from "./load-idl.ts";

/** What a reloader works on. */
export interface ReloaderContext {
  /** Takes a new config, see App. */
  readonly app: { reload(checked: CheckedConfig): readonly string[] };
  readonly log: Log;
  readonly clock: Clock;
}

/** Reads a sidecar's config anew. */
export interface Reloader {
  /** Reads it now. Resolves when the sidecar goes by it, or has refused it, which the log says; never rejects. */
  reload(): Promise<void>;
  /** Stops looking. */
  close(): void;
}

/** Files that stay the same for so long are written to the end. */
const SETTLE_MS = 200;

/**
 * Looks every `reload.everyMs` whether the files of `first`, which was read from `path`, have changed, and takes the new
 * config when they have and stand still. IDL that breaks callers or upstreams is refused unless `reload.breaking` allows it.
 */
export function createReloader(
  path: string,
  first: CheckedConfig,
  marks: ReadonlyMap<string, string>,
  { app, log, clock }: ReloaderContext,
): Reloader {
  let current = first;
  /** The files of what was tried last, and of what is at work: a refused config is tried again when one of them changes. */
  let watched = marks;
  /** Reloads stand behind each other. */
  let reloading: Promise<void> = Promise.resolve();
  let closed = false;
  let stopTimer: Stop = () => {};

  async function take(): Promise<void> {
    if (closed) return;
    const diagnostics: Diagnostic[] = [];
    const read: FileMarks = new Map();
    const next = await checkConfig(path, (each) => diagnostics.push(each), { before: current.idl, marks: read });
    const others = await marksNow([...watched.keys()].filter((file) => !next && !read.has(file)));
    watched = new Map([...others, ...read]);
    if (closed) return;
    const isSame = next?.linked === current.linked && isDeepStrictEqual(next.config, current.config);
    if (isSame) {
      log.info({ config: path }, "the config is what it was");
      return;
    }
    for (const each of diagnostics) tell(log, each);
    const breaks = next?.config.reload.breaking === "refuse" ? findBreaks(current.idl, next.idl) : [];
    for (const { rule, breaks: kinds, position, message } of breaks) {
      log.error({ ...position, rule, breaks: kinds }, `this change breaks others: ${message}`);
    }
    if (!next || breaks.length > 0) {
      const hint = next ? "; reload.breaking: allow in the config takes it nevertheless" : "";
      log.error({ config: path }, `the new config is refused as a whole, the one before stays${hint}`);
      return;
    }
    put(next);
  }

  function put(next: CheckedConfig): void {
    try {
      const kept = app.reload(next);
      current = next;
      log.info({ config: path }, "a new config is at work");
      if (kept.length > 0) log.warn({ keys: kept }, "these keys of the config change at a restart only");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log.error({ config: path, error: why }, "the new config cannot be put to work, the one before stays");
    }
  }

  function reload(): Promise<void> {
    reloading = reloading.then(take).catch((error: unknown) => {
      log.error({ config: path, error: String(error) }, "the config could not be read anew");
    });
    return reloading;
  }

  async function look(): Promise<void> {
    await reloading;
    if (!(await haveChanged(watched))) return;
    await settled();
    await reload();
  }

  /** Resolves when all files stand still: half a file may be a good config, and not the one that is meant. */
  async function settled(): Promise<void> {
    for (let last: FileMarks | undefined; !closed; ) {
      const now = await marksNow(watched.keys());
      if (last && isDeepStrictEqual(now, last)) return;
      last = now;
      await new Promise<void>((resolve) => clock.after(SETTLE_MS, resolve));
    }
  }

  function lookLater(): void {
    if (closed) return;
    stopTimer = clock.after(current.config.reload.everyMs, () => {
      // Neither rejects.
      void look().then(lookLater);
    });
  }

  lookLater();
  return {
    reload,
    close() {
      closed = true;
      stopTimer();
    },
  };
}

function tell(log: Log, { severity, position, message }: Diagnostic): void {
  if (severity === "error") log.error({ ...position, severity }, message);
  else log.warn({ ...position, severity }, message);
}

/** What breaks on the wire or across the bridge. A file that the config does not name any more has gone on purpose. */
function findBreaks(before: Idl, after: Idl): readonly Finding[] {
  if (before === after) return [];
  const still = new Set(after.schema.files.map(({ path }) => path));
  const paths = before.schema.files.filter(({ path }) => still.has(path)).map(({ path }) => [path, path] as const);
  const findings = diffSchemas(before.schema, after.schema, paths);
  return findings.filter(({ breaks }) => breaks.includes("wire") || breaks.includes("bridge"));
}
