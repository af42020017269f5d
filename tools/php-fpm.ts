// PHP-FPM as a child process, for tests and benchmarks.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Service, startService } from "./program.ts";
import { phpFpm } from "./toolchain.ts";

/**
 * Starts PHP-FPM with some processes, whose socket and config are in a folder, and with settings of PHP's, of which it has
 * no others; `ready` is its address, `unix:PATH`.
 */
export async function startPhpFpm(
  folder: string,
  processes: number,
  env: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const socket = join(folder, "fpm.sock");
  const asRoot = process.getuid?.() === 0;
  const lines = [
    ...["[global]", "daemonize = no", "[www]", `listen = ${socket}`, "pm = static", `pm.max_children = ${processes}`],
    ...["catch_workers_output = yes", "clear_env = no"],
    ...(asRoot ? ["user = root", "group = root"] : []),
  ];
  const file = join(folder, "fpm.conf");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const said = Object.entries(settings).flatMap(([name, value]) => ["-d", `${name}=${value}`]);
  const args = [phpFpm() ?? "php-fpm", "-n", "-F", "-O", ...(asRoot ? ["-R"] : []), ...said, "-y", file];
  const script = `exec "$@" 2>&1`;
  const fpm = await startService("/bin/sh", ["-c", script, "fpm", ...args], /(ready to handle)/, { env });
  return { ...fpm, ready: `unix:${socket}` };
}
