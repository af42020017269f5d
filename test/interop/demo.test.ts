// The demo as a newcomer runs it.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OFFICIAL_CALLERS } from "../../demo/callers.ts";
import { STUB_CALLERS } from "../../demo/stub-callers.ts";
import { ROOT } from "../../tools/build-cache.ts";
import { whatIsMissing } from "../../tools/toolchain.ts";

const CALLERS = [...OFFICIAL_CALLERS, ...STUB_CALLERS];
const BUILD_MS = 300_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
  /** Where the demo said that something serves. */
  readonly addresses: readonly string[];
}

/** Runs the demo; `hurry` is called with what it has said so far and the process. */
function runDemo(hurry: (progress: string, pid: number) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const demo = spawn(process.execPath, [join(ROOT, "demo/main.ts")], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let progress = "";
    demo.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    demo.stderr.setEncoding("utf8").on("data", (text: string) => {
      progress += text;
      if (demo.pid !== undefined) hurry(progress, demo.pid);
    });
    demo.on("error", reject);
    demo.on("close", (code) => {
      const addresses = [...progress.matchAll(/ on (127\.0\.0\.1:\d+)/g)].map(([, address]) => address ?? "");
      resolve({ code, output: output + (code === 0 ? "" : progress), addresses });
    });
  });
}

function isServed(address: string): Promise<boolean> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

test("the demo shows a row for every call that can be made here, and stops all it started", {
  timeout: BUILD_MS,
}, async () => {
  const { code, output, addresses } = await runDemo();
  const present = CALLERS.filter(({ tools }) => !whatIsMissing(tools));
  const calls = present.reduce((sum, { over }) => sum + 3 * Object.keys(over).length, 0);
  expect(output).toContain(`All ${calls} calls were answered as they must be.`);
  expect(output).not.toContain("\u001b[");
  for (const { language } of CALLERS) expect(output).toMatch(new RegExp(`^${language} `, "m"));
  for (const { language, over } of STUB_CALLERS)
    expect(output).toMatch(new RegExp(`^${language} +(${over.gRPC}|with stubs)`, "m"));
  expect(code).toBe(0);
  expect(addresses).toHaveLength(3);
  expect(await Promise.all(addresses.map(isServed))).toEqual([false, false, false]);
});

test("an interrupted demo stops all it started", { timeout: BUILD_MS }, async () => {
  const { code, addresses } = await runDemo((progress, pid) => {
    if (progress.includes("The sidecar serves")) process.kill(pid, "SIGINT");
  });
  expect(code).toBe(130);
  expect(addresses).toHaveLength(3);
  expect(await Promise.all(addresses.map(isServed))).toEqual([false, false, false]);
});
