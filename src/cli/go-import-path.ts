// The import path of a folder in a Go module: its go.mod says how the module is called. https://go.dev/ref/mod#go-mod-file
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The import path of `folder`, by the nearest go.mod at or above it; undefined when there is none. */
export function goImportPath(folder: string): string | undefined {
  const start = resolve(folder);
  for (let at = start; ; at = dirname(at)) {
    const module = moduleName(join(at, "go.mod"));
    if (module !== undefined)
      return [module, ...relative(at, start).split(/[/\\]/)].filter((part) => part !== "").join("/");
    if (dirname(at) === at) return undefined;
  }
}

function moduleName(path: string): string | undefined {
  try {
    return /^\s*module\s+"?([^\s"]+)"?/m.exec(readFileSync(path, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
