// The version of this installation.
import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** As the package says it; `unknown` where its manifest is missing. */
export function version(): string {
  const path = findPackageJSON("..", import.meta.url);
  const manifest: unknown = path === undefined ? undefined : JSON.parse(readFileSync(path, "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}
