// Which programs of other languages this machine has, and what to say when one is missing.
import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The folder with Apache Thrift's library for PHP: where Debian's package puts it, or where PHP_THRIFT says. */
export const PHP_THRIFT = process.env["PHP_THRIFT"] ?? "/usr/lib/php";

/** What the demo and the tests can use beside Node. `npm run setup` installs it on Debian; `or` says where else it is. */
const TOOLS = {
  // From 1.21 on, Go gets the version that a module asks for by itself.
  go: { has: () => goVersion() >= 1.21, name: "Go 1.21 or later", or: "https://go.dev/dl" },
  javac: { has: () => isCommand("javac"), name: "a JDK", or: "https://adoptium.net" },
  mvn: { has: () => isCommand("mvn"), name: "Maven", or: "https://maven.apache.org" },
  php: { has: () => isCommand("php"), name: "PHP", or: "https://www.php.net" },
  "php-thrift": {
    has: () => existsSync(join(PHP_THRIFT, "Protocol/TBinaryProtocol.php")),
    name: "Apache Thrift's library for PHP",
    or: "PHP_THRIFT=FOLDER",
  },
  phpcs: {
    has: () => isCommand("phpcs"),
    name: "PHP_CodeSniffer",
    or: "https://github.com/PHPCSStandards/PHP_CodeSniffer",
  },
  composer: { has: () => isCommand("composer"), name: "Composer", or: "https://getcomposer.org" },
  "php-fpm": { has: () => phpFpm() !== undefined, name: "PHP-FPM", or: "https://www.php.net/manual/install.fpm.php" },
  openssl: { has: () => isCommand("openssl"), name: "openssl", or: "https://openssl-library.org" },
  curl: { has: () => isCommand("curl"), name: "curl", or: "https://curl.se" },
  "redis-server": { has: () => isCommand("redis-server"), name: "redis-server", or: "https://redis.io" },
  thrift: { has: () => isCommand("thrift"), name: "the thrift compiler", or: "https://thrift.apache.org" },
  nghttp2: {
    has: () => isCommand("nghttp") && isCommand("h2load"),
    name: "nghttp2's tools",
    or: "https://nghttp2.org",
  },
  python3: { has: () => isCommand("python3") && hasVenv(), name: "Python 3 with venv", or: "https://www.python.org" },
  protoc: { has: () => isCommand("protoc"), name: "protoc", or: "https://protobuf.dev" },
} as const;

/** A program or library of another language. */
export type Tool = keyof typeof TOOLS;

/** Why the tools cannot be used, and how to install what is missing; undefined when all are there. */
export function whatIsMissing(tools: readonly Tool[]): string | undefined {
  const missing = tools.filter((tool) => !TOOLS[tool].has()).map((tool) => TOOLS[tool]);
  if (missing.length === 0) return undefined;
  const names = new Intl.ListFormat("en").format(missing.map(({ name }) => name));
  return `needs ${names}; install: npm run setup, or ${missing.map((tool) => tool.or).join(", ")}`;
}

/** The path of PHP-FPM, which Debian names by its version and puts where users do not look; undefined when it is not there. */
export function phpFpm(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^php-fpm[\d.]*$/.test(name)) : [];
    if (names[0] !== undefined) return join(folder, names[0]);
  }
  return undefined;
}

/** For example 1.26; 0 when there is no Go. */
function goVersion(): number {
  if (!isCommand("go")) return 0;
  const [, version] = /^go(\d+\.\d+)/.exec(execFileSync("go", ["env", "GOVERSION"], { encoding: "utf8" })) ?? [];
  return Number(version ?? 0);
}

/** Debian packages venv apart, and without it there is no pip to put into one. */
function hasVenv(): boolean {
  return spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0;
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
