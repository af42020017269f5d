// Which programs of other languages this machine has, and what to say when one is missing.
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The folder with Apache Thrift's library for PHP: where Debian's package puts it, or where PHP_THRIFT says. */
export const PHP_THRIFT = process.env["PHP_THRIFT"] ?? "/usr/lib/php";

/** What the demo and the tests can use beside Node, each with what it takes to have it. */
const TOOLS = {
  // From 1.21 on, Go gets the version that a module asks for by itself.
  go: { has: () => goVersion() >= 1.21, name: "Go 1.21 or later", install: "npm run setup, or https://go.dev/dl" },
  javac: { has: () => isCommand("javac"), name: "a JDK", install: "npm run setup, or https://adoptium.net" },
  mvn: { has: () => isCommand("mvn"), name: "Maven", install: "npm run setup, or https://maven.apache.org" },
  php: { has: () => isCommand("php"), name: "PHP", install: "npm run setup" },
  "php-thrift": {
    has: () => existsSync(join(PHP_THRIFT, "Protocol/TBinaryProtocol.php")),
    name: "Apache Thrift's library for PHP",
    install: "npm run setup, or PHP_THRIFT=FOLDER",
  },
  thrift: { has: () => isCommand("thrift"), name: "the thrift compiler", install: "npm run setup" },
  protoc: { has: () => isCommand("protoc"), name: "the protoc compiler", install: "npm run setup" },
} as const;

/** A program or library of another language. */
export type Tool = keyof typeof TOOLS;

/** Why the tools cannot be used, and how to install what is missing; undefined when all are there. */
export function whatIsMissing(tools: readonly Tool[]): string | undefined {
  const missing = tools.filter((tool) => !TOOLS[tool].has()).map((tool) => TOOLS[tool]);
  if (missing.length === 0) return undefined;
  const installs = new Set(missing.map((tool) => tool.install));
  return `${missing.map((tool) => tool.name).join(" and ")} missing; install: ${[...installs].join("; ")}`;
}

/** For example 1.26; 0 when there is no Go. */
function goVersion(): number {
  if (!isCommand("go")) return 0;
  const [, version] = /^go(\d+\.\d+)/.exec(execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" })) ?? [];
  return Number(version ?? 0);
}

function isCommand(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
