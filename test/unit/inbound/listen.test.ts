import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../../src/inbound/listen.ts";

const CONNECT = `
  const { connect } = require("node:net");
  let [open, failed] = [0, 0];
  const done = () => {
    if (open + failed === 1000) process.stdout.write(JSON.stringify({ open, failed }), () => process.exit());
  };
  for (let i = 0; i < 1000; i++) {
    connect(process.argv[1]).on("connect", () => { open++; done(); }).on("error", () => { failed++; done(); });
  }
`;

test("a thousand connections to a unix socket wait while the process is busy, and none is refused", async (context) => {
  const limit = "/proc/sys/net/core/somaxconn";
  context.skip(!existsSync(limit) || Number(readFileSync(limit, "utf8")) < 1_000, `needs 1000 in ${limit}`);
  const folder = mkdtempSync(join(tmpdir(), "causeway-listen-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const server = createServer((socket) => socket.destroy());
  onTestFinished(() => void server.close());
  const path = join(folder, "s");
  await listen(server, { kind: "unix", path }, {});
  // Nothing is accepted as long as this process waits for the other.
  const { stdout } = spawnSync(process.execPath, ["-e", CONNECT, path], { encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual({ open: 1_000, failed: 0 });
});
