import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Listening, listen } from "../../../src/inbound/listen.ts";
import { placeSocket, type SocketFileOptions } from "../../../src/inbound/socket-file.ts";

let folder: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "causeway-"));
  path = join(folder, "s.sock");
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: SocketFileOptions = {}, at = path): Promise<Listening> {
  const server = createServer((socket) => socket.end());
  const listening = await listen(server, { kind: "unix", path: at }, options);
  servers.push(server);
  return listening;
}

const modeOf = (file: string) => (lstatSync(file).mode & 0o777).toString(8);

/** Leaves a socket whose process has died. */
function leaveDead(): void {
  const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", code]);
  expect(lstatSync(path).isSocket()).toBe(true);
}

test.each(["0660", "600", "0777"])("mode %s is what the socket gets, whatever the umask", async (mode) => {
  await open({ mode });
  expect(modeOf(path)).toBe(mode.slice(-3));
});

test("without a mode the umask decides, as for any file", async () => {
  const before = process.umask(0o027);
  try {
    await open();
  } finally {
    process.umask(before);
  }
  expect(modeOf(path)).toBe("750");
});

test("the umask is as it was after a socket with a mode", async () => {
  const before = process.umask();
  await open({ mode: "0600" });
  expect(process.umask()).toBe(before);
});

test("owner and group are taken by name and by number", async () => {
  const { uid, gid } = lstatSync(folder);
  await open({ owner: uid, group: gid });
  expect(lstatSync(path)).toMatchObject({ uid, gid });
  if (process.getuid?.() !== 0) return;
  await open({ owner: "daemon", group: "daemon" }, join(folder, "t.sock"));
  expect(lstatSync(join(folder, "t.sock"))).toMatchObject({ uid: 1, gid: 1 });
});

test.each([
  [{ owner: "nobody-of-this-name" }, "there is no user nobody-of-this-name in /etc/passwd"],
  [{ group: "no-such-group" }, "there is no group no-such-group in /etc/group"],
])("%o is an error that says so, and leaves nothing behind", async (options, message) => {
  await expect(open(options)).rejects.toThrow(message);
  expect(readdirSync(folder)).toEqual([]);
});

test("a folder that is not there is an error that names it", async () => {
  const missing = join(folder, "run", "s.sock");
  await expect(open({}, missing)).rejects.toThrow(`the folder ${join(folder, "run")} of the socket does not exist`);
});

test("beside a path without a folder it is made under a name that Node cannot take for a number", async () => {
  const names: string[] = [];
  const placed = placeSocket("a-socket-of-this-test", {}, async (name) => {
    names.push(name);
    throw new Error("seen");
  });
  await expect(placed).rejects.toThrow("seen");
  expect(names).toEqual([expect.stringMatching(/^\.\/\.[0-9a-f]{8}$/)]);
});

test("only the socket itself is left in the folder", async () => {
  await open({ mode: "0600" });
  expect(readdirSync(folder)).toEqual(["s.sock"]);
});

test("a dead process's socket is replaced", async () => {
  leaveDead();
  await open({ mode: "0640" });
  expect(modeOf(path)).toBe("640");
  expect(readdirSync(folder)).toEqual(["s.sock"]);
});

test("a socket that somebody answers on is left alone", async () => {
  await open();
  const { ino } = lstatSync(path);
  await expect(open()).rejects.toMatchObject({
    code: "EADDRINUSE",
    message: expect.stringContaining("a process answers on it"),
  });
  expect(lstatSync(path).ino).toBe(ino);
});

test("a file that is no socket is left alone", async () => {
  writeFileSync(path, "precious");
  await expect(open()).rejects.toMatchObject({
    code: "EADDRINUSE",
    message: expect.stringContaining("there is a file that is no socket"),
  });
  expect(lstatSync(path).size).toBe(8);
});

test("of two that replace a dead socket at the same time one has it, and the other says so", async () => {
  leaveDead();
  const outcomes = await Promise.allSettled([open(), open()]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(outcomes.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "EADDRINUSE" } });
  expect(readdirSync(folder)).toEqual(["s.sock"]);
});

test("releasing removes the socket, once", async () => {
  const listening = await open();
  await listening.release();
  expect(existsSync(path)).toBe(false);
  await listening.release();
});

test("releasing leaves alone what somebody else has put there since", async () => {
  const listening = await open();
  unlinkSync(path);
  await open();
  await listening.release();
  expect(existsSync(path)).toBe(true);
});
