// Runs before `npm test` and `npm run demo`: installs the npm packages of a fresh or updated clone and builds what is out
// of date. Written for any Node, because the pinned one is among what it installs.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const wanted = `${root}package-lock.json`;

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  process.stderr.write("Installing npm packages (npm ci) and building; this takes about half a minute once.\n");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    process.stderr.write("npm ci failed: see above. It needs npm 10 or later and the npm registry.\n");
    process.exit(1);
  }
}
await import("./build.mjs");
