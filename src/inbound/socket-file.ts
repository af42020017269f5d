// The file of a unix socket: who may connect, how a dead one is replaced, and whose it is to remove.
import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, chown, link, lstat, readFile, rename, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { z } from "zod";

/** A user or a group: its number, or its name in /etc/passwd or /etc/group. */
const account = z.union([z.int().min(0), z.string().min(1)]);

/** Who may connect to a unix socket. */
export const socketFileOptions = z.strictObject({
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: 'expected an octal mode in quotes, as in "0660"' })
    .optional()
    .describe('who may connect to a unix socket, as in "0660"; without it the process\'s umask decides'),
  owner: account.optional().describe("the user that a unix socket belongs to, by name or number; needs root"),
  group: account.optional().describe("the group that a unix socket belongs to, by name or number"),
});

export type SocketFileOptions = {
  readonly [name in keyof z.output<typeof socketFileOptions>]?: z.output<typeof socketFileOptions>[name] | undefined;
};

/**
 * Has `bind` make a socket under a name of its own, gives it its mode and owner, and only then puts it at `path`, where
 * nobody ever sees it with other rights. What is at `path` is looked at first: a socket that nobody answers on is replaced;
 * anything else is an error and stays. Gives a function that removes the socket, if it is still the one at `path`.
 */
export async function placeSocket(
  path: string,
  options: SocketFileOptions,
  bind: (path: string) => Promise<void>,
): Promise<() => Promise<void>> {
  const uid = await idOf(options.owner, "/etc/passwd", "user");
  const gid = await idOf(options.group, "/etc/group", "group");
  if (!(await lstatOf(dirname(path)))) {
    throw new Error(`the folder ${dirname(path)} of the socket does not exist: create it, or choose another path`);
  }
  await makeRoom(path);
  const draft = nameBeside(path);
  await bindAs(draft, options.mode, bind);
  try {
    if (uid !== undefined || gid !== undefined) await chown(draft, uid ?? -1, gid ?? -1);
    if (options.mode !== undefined) await chmod(draft, Number.parseInt(options.mode, 8));
    await publish(draft, path);
  } finally {
    await unlink(draft).catch(() => {});
  }
  const own = await lstatOf(path);
  return async () => {
    const now = await lstatOf(path);
    if (own && now && isSame(own, now)) await unlink(path).catch(() => {});
  };
}

/**
 * A name in the folder of `path` that nothing has: short, because the system takes few characters, and hidden, because it is gone
 * in a moment. It has a slash always: Node takes `.45331e99` for a number, and refuses to listen on that.
 */
function nameBeside(path: string): string {
  return `${dirname(path)}/.${randomBytes(4).toString("hex")}`;
}

/** Binds with nothing allowed to others, where the mode is set afterwards. */
async function bindAs(draft: string, mode: string | undefined, bind: (path: string) => Promise<void>): Promise<void> {
  // The system binds before `bind` returns its promise, so nothing else runs under this umask.
  const before = mode === undefined ? undefined : process.umask(0o777);
  let bound: Promise<void>;
  try {
    bound = bind(draft);
  } finally {
    if (before !== undefined) process.umask(before);
  }
  await bound;
}

/** A second name for the socket, which unlike a renaming overwrites nothing. */
async function publish(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") throw inUse(path, "another process has just put something there");
    // File systems without hard links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "ENOSYS") throw error;
    if (await lstatOf(path)) throw inUse(path, "another process has just put something there");
    await rename(draft, path);
  }
}

/** Removes the socket of a dead process; throws when there is anything else. */
async function makeRoom(path: string): Promise<void> {
  const before = await lstatOf(path);
  if (!before) return;
  if (!before.isSocket()) throw inUse(path, "there is a file that is no socket");
  if (await isAlive(path)) throw inUse(path, "a process answers on it");
  // Taken away under another name first: meanwhile somebody may have put a socket there that does live.
  const aside = nameBeside(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const taken = await lstatOf(aside);
  if (taken && isSame(before, taken)) {
    await unlink(aside);
    return;
  }
  if (!(await lstatOf(path))) await rename(aside, path);
  throw inUse(path, "another process has just put something there");
}

/** Whether a process answers; a socket that refuses is only the file that a dead process left. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", (error) => resolve(codeOf(error) !== "ECONNREFUSED" && codeOf(error) !== "ENOENT"));
  });
}

function inUse(path: string, reason: string): Error {
  return Object.assign(new Error(`EADDRINUSE: ${path} is taken: ${reason}`), { code: "EADDRINUSE" });
}

/** Not with lstatSync: after one of a socket, Node 22 loads modules of CommonJS as empty objects. */
async function lstatOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Times too, because the number of a file that is gone is soon another's. */
function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.birthtimeMs === b.birthtimeMs;
}

/** The number of a user or group. */
async function idOf(account: string | number | undefined, file: string, what: string): Promise<number | undefined> {
  if (account === undefined || typeof account === "number") return account;
  for (const line of (await readFile(file, "utf8")).split("\n")) {
    // name:password:id:… in both files.
    const [name, , id] = line.split(":");
    if (name === account && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new Error(`there is no ${what} ${account} in ${file}: expected a name that is there, or a number`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
