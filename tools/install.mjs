// Runs before `npm test` and `npm run demo`: installs the npm packages of a fresh or updated clone, which also builds.
// Written for any Node, because the pinned one is among what it installs.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = `${root}node_modules/.package-lock.json`;
const built = `${root}dist/src/codec/engine.wasm`;
const fresh =
  existsSync(stamp) && existsSync(built) && statSync(stamp).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;
if (!fresh) {
  process.stderr.write("Installing npm packages (npm ci); this takes about half a minute once.\n");
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
