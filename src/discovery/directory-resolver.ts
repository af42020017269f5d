// Upstreams' endpoints from a directory that people, deployment tools and other sidecars write to. It knows when to read
// which file; what stands in one is directory-file.ts's.
import type { Clock, Stop } from "../base/clock.ts";
import { type Diagnostic, formatDiagnostic } from "../base/diagnostic.ts";
import type { Log } from "../base/log.ts";
import type { Endpoint, Endpoints, Resolver } from "../rpc/endpoint.ts";
import { type DirectoryFile, type DirectoryFileName, parseFile, parseFileName } from "./directory-file.ts";
import { eachAtOnce } from "./each-at-once.ts";
import { createWatchers } from "./watchers.ts";

/** What is needed of a file system; every method may reject. */
export interface DirectoryFiles {
  /** The names of the directory's files, each with a mark that changes when the file does. */
  list(): Promise<ReadonlyMap<string, string>>;
  /** The mark of one file; undefined when it is not there. Rejects, as `list` does, when the directory is not. */
  mark(name: string): Promise<string | undefined>;
  /** The text of a file; undefined when it is gone. Rejects for one that is too large. */
  read(name: string): Promise<string | undefined>;
  remove(name: string): Promise<void>;
  /** Calls `changed` when a file may have changed, or any of them; what it does not tell of may have changed too. */
  watch(changed: (name: string | undefined) => void): Stop;
}

export interface DirectoryResolverOptions {
  /** How often all is looked through, in milliseconds: not every file system tells of changes. */
  readonly rescanMs: number;
}

export interface DirectoryResolverContext {
  /** The directory's path, for messages. */
  readonly path: string;
  readonly files: DirectoryFiles;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reads the directory as long as it is open. */
export interface DirectoryResolver extends Resolver {
  /** Resolves when the directory has been read once, whether or not that went well. */
  readonly firstScan: Promise<void>;
  close(): void;
}

/** A file that is there. */
interface Entry {
  readonly name: DirectoryFileName;
  mark: string;
  /** The last content that was good; undefined until there was one. */
  content: DirectoryFile | undefined;
  /** When its heartbeat was last seen to change, on the monotonic clock: other hosts' clocks may say what they like. */
  beatAtMs: number;
  /** Ends the wait for the end of its lease. */
  stopLease: Stop;
}

const nothing: Stop = () => {};

/** An instance's file is removed when its lease has been over for so many times its length: its sidecar has died. */
const REMOVE_AFTER_LEASES = 10;
/** Files that changed are read a few at a time. */
const READS_AT_ONCE = 16;
/** Changes come in bursts. */
const SETTLE_MS = 20;
/** Of so many files looking at all is cheaper than at each. */
const MOST_TOUCHED = 100;

/**
 * Watches a directory. A file that becomes invalid keeps what it said before, and the log says why; an instance whose
 * file shows no heartbeat during its lease is left out; when the directory cannot be read, all that was known is stale, and
 * leases stand still.
 */
export function createDirectoryResolver(
  { rescanMs }: DirectoryResolverOptions,
  { path, files, clock, log }: DirectoryResolverContext,
): DirectoryResolver {
  const entries = new Map<string, Entry>();
  const byUpstream = new Map<string, readonly Entry[]>();
  const watchers = createWatchers();
  let kind: Endpoints["kind"] = "unknown";
  /** Looks at the directory stand behind each other. */
  let looking: Promise<void> = Promise.resolve();
  /** Files that may have changed; undefined when any may have. */
  let touched: Set<string> | undefined = new Set();
  let closed = false;
  /** When the directory was found to be away; undefined while it is there. On the monotonic clock. */
  let lostAtMs: number | undefined;
  let stopTimer: Stop = nothing;

  function endpointsOf(upstream: string): Endpoints {
    // Nobody can say that he is alive while the directory is away: leases stand still.
    const nowMs = lostAtMs ?? clock.nowMs();
    const endpoints: Endpoint[] = [];
    const seen = new Set<string>();
    for (const entry of byUpstream.get(upstream) ?? []) {
      if (!isAlive(entry, nowMs)) continue;
      for (const endpoint of entry.content?.endpoints ?? []) {
        // The same process by two files is one.
        if (seen.has(endpoint.name)) continue;
        seen.add(endpoint.name);
        endpoints.push(endpoint);
      }
    }
    return { kind, endpoints };
  }

  function tell(upstreams: Iterable<string>): void {
    for (const upstream of upstreams) watchers.tell(upstream, endpointsOf);
  }

  /** Looks at the files that may have changed; at all of them when nobody knows which. */
  function look(names: ReadonlySet<string> | undefined): Promise<void> {
    looking = looking.then(async () => {
      if (closed) return;
      // The one that is back is another one, perhaps.
      if (lostAtMs !== undefined) watchAnew();
      // A directory that was away may have anything in it.
      const some = kind === "known" ? names : undefined;
      let marks: ReadonlyMap<string, string>;
      try {
        marks = some ? await marksOf(some) : await files.list();
      } catch (error) {
        lost(error);
        return;
      }
      found();
      const gone = [...(some ?? entries.keys())].filter((file) => !marks.has(file));
      become("known", await read(marks, gone));
    });
    return looking;
  }

  async function marksOf(names: Iterable<string>): Promise<ReadonlyMap<string, string>> {
    const marks = new Map<string, string>();
    for (const name of names) {
      const mark = await files.mark(name);
      if (mark !== undefined) marks.set(name, mark);
    }
    return marks;
  }

  function watchAnew(): void {
    stopFiles();
    stopFiles = files.watch(touch);
  }

  /** The directory is there: leases go on where they stood. */
  function found(): void {
    if (lostAtMs === undefined) return;
    const awayMs = clock.nowMs() - lostAtMs;
    lostAtMs = undefined;
    for (const [file, entry] of entries) {
      entry.beatAtMs += awayMs;
      awaitLease(file, entry);
    }
  }

  function lost(error: unknown): void {
    lostAtMs ??= clock.nowMs();
    const next = kind === "unknown" ? "unknown" : "stale";
    const why = error instanceof Error ? error.message : String(error);
    if (kind !== "stale") log.warn({ path, error: why }, "the registry directory cannot be read");
    become(next, []);
  }

  /** Takes in what files say now, and returns the upstreams that it concerns. */
  async function read(marks: ReadonlyMap<string, string>, gone: readonly string[]): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    for (const file of gone) {
      const entry = entries.get(file);
      if (entry) changed.add(forget(file, entry));
    }
    await eachAtOnce(marks, READS_AT_ONCE, async ([file, mark]) => {
      if (entries.get(file)?.mark === mark) return;
      const upstream = await readFile(file, mark);
      if (upstream !== undefined) changed.add(upstream);
    });
    return changed;
  }

  function become(next: Endpoints["kind"], changed: Iterable<string>): void {
    if (closed) return;
    const all = kind !== next;
    if (all && kind !== "unknown") log.info({ path, kind: next }, "the registry directory");
    kind = next;
    tell(all ? [...watchers.upstreams()] : changed);
  }

  /** Reads one file, and returns the upstream whose endpoints may have changed by it. */
  async function readFile(file: string, mark: string): Promise<string | undefined> {
    const name = parseFileName(file);
    if (!name) return undefined;
    const before = entries.get(file);
    let content: DirectoryFile | undefined;
    try {
      const text = await files.read(file);
      if (text === undefined) return undefined;
      content = parseFile(name, text, `${path}/${file}`, warn);
    } catch (error) {
      log.warn({ path: `${path}/${file}`, error: error instanceof Error ? error.message : String(error) }, "not read");
    }
    const entry = before ?? add(file, name);
    // Even a file that is wrong is looked at again only when it changes.
    entry.mark = mark;
    return content && take(file, entry, content) ? name.upstream : undefined;
  }

  function add(file: string, name: DirectoryFileName): Entry {
    const entry = { name, mark: "", content: undefined, beatAtMs: clock.nowMs(), stopLease: nothing };
    entries.set(file, entry);
    byUpstream.set(name.upstream, [...(byUpstream.get(name.upstream) ?? []), entry]);
    return entry;
  }

  /** Takes what a file says, and returns whether its upstream's endpoints may have changed by it. */
  function take(file: string, entry: Entry, content: DirectoryFile): boolean {
    const wasAlive = isAlive(entry, clock.nowMs());
    const before = entry.content;
    if (content.lease?.beat !== before?.lease?.beat) entry.beatAtMs = clock.nowMs();
    entry.content = content;
    awaitLease(file, entry);
    return !(wasAlive && before && sameEndpoints(before.endpoints, content.endpoints));
  }

  function warn(diagnostic: Diagnostic): void {
    log.warn({ ...diagnostic.position }, `a file of the registry directory is wrong: ${formatDiagnostic(diagnostic)}`);
  }

  function forget(file: string, entry: Entry): string {
    const { upstream } = entry.name;
    entry.stopLease();
    entries.delete(file);
    const rest = (byUpstream.get(upstream) ?? []).filter((each) => each !== entry);
    if (rest.length > 0) byUpstream.set(upstream, rest);
    else byUpstream.delete(upstream);
    return upstream;
  }

  /** Leaves an instance out when its lease has run out, and removes what nobody will renew any more. */
  function awaitLease(file: string, entry: Entry): void {
    entry.stopLease();
    const { lease } = entry.content ?? {};
    if (!lease || closed || lostAtMs !== undefined) return;
    const nowMs = clock.nowMs();
    const overAtMs = entry.beatAtMs + lease.leaseMs;
    const deadAtMs = entry.beatAtMs + lease.leaseMs * REMOVE_AFTER_LEASES;
    let nextMs = overAtMs;
    if (overAtMs <= nowMs) nextMs = deadAtMs;
    if (deadAtMs <= nowMs) {
      // A directory that cannot be written to keeps it, and it is left out all the same.
      files.remove(file).catch(() => {});
      nextMs = nowMs + lease.leaseMs;
    }
    entry.stopLease = clock.after(nextMs - nowMs, () => {
      if (nextMs === overAtMs) tell([entry.name.upstream]);
      awaitLease(file, entry);
    });
  }

  function rescanLater(): void {
    if (closed) return;
    stopTimer = clock.after(rescanMs, () => void look(undefined).then(rescanLater));
  }

  function touch(name: string | undefined): void {
    if (name !== undefined && parseFileName(name) === undefined) return;
    const settling = touched === undefined || touched.size > 0;
    if (name === undefined || (touched && touched.size >= MOST_TOUCHED)) touched = undefined;
    else touched?.add(name);
    if (settling || closed) return;
    clock.after(SETTLE_MS, () => {
      const names = touched;
      touched = new Set();
      void look(names);
    });
  }

  let stopFiles = files.watch(touch);
  const firstScan = look(undefined);
  rescanLater();

  return {
    firstScan,
    watch(upstream, changed) {
      const stop = watchers.add(upstream, changed);
      changed(endpointsOf(upstream));
      return stop;
    },
    close() {
      closed = true;
      stopFiles();
      stopTimer();
      for (const { stopLease } of entries.values()) stopLease();
      watchers.clear();
    },
  };
}

function isAlive({ content, beatAtMs }: Entry, nowMs: number): boolean {
  return content?.lease === undefined || nowMs < beatAtMs + content.lease.leaseMs;
}

function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
