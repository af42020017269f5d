// Builds dist and the engine, unless they are newer than everything they are made from. `npm ci` runs it, and so does
// npx before it first runs the command of a clone.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const LAST_BUILT = "dist/src/codec/engine.wasm";
const SOURCES = ["src", "codegen", "package.json", "tsconfig.json", "tsconfig.build.json"];
const BUILT_AMONG_SOURCES = ".wasm";

function modifiedMs(path) {
  return existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0;
}

/** The files of a folder and below with the folders themselves, whose time tells of deleted files; a file's own path. */
function pathsBelow(path) {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  const below = readdirSync(join(root, path), { withFileTypes: true });
  return [path, ...below.flatMap((entry) => pathsBelow(join(path, entry.name)))];
}

const newestMs = Math.max(
  ...SOURCES.flatMap(pathsBelow)
    .filter((path) => !path.endsWith(BUILT_AMONG_SOURCES))
    .map(modifiedMs),
);
if (modifiedMs(LAST_BUILT) < newestMs) {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  process.exitCode = status ?? 1;
}
