// The last step of the build: puts the engine beside the compiled code that loads it, and makes the command runnable.
import { chmodSync, copyFileSync } from "node:fs";

copyFileSync("src/codec/engine.wasm", "dist/src/codec/engine.wasm");
chmodSync("dist/src/cli/main.js", 0o755);
