// PHP-FPM as a child process, for tests and benchmarks.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Service, startService } from "./program.ts";
import { phpFpm } from "./toolchain.ts";

/**
 * The command of a PHP-FPM with some processes, in the foreground, whose socket and config are in a folder, with settings of
 * PHP's, of which it has no others.
 */
export function phpFpmCommand(
  folder: string,
  processes: number,
  settings: Readonly<Record<string, string>> = {},
): { readonly command: readonly string[]; readonly socket: string } {
  const socket = join(folder, "fpm.sock");
  const asRoot = process.getuid?.() === 0;
  const lines = [
    // Without it, SIGQUIT may give the calls in flight no time.
    ...["[global]", "daemonize = no", "process_control_timeout = 10s"],
    ...["[www]", `listen = ${socket}`, "pm = static", `pm.max_children = ${processes}`],
    ...["catch_workers_output = yes", "clear_env = no"],
    ...(asRoot ? ["user = root", "group = root"] : []),
  ];
  const file = join(folder, "fpm.conf");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const said = Object.entries(settings).flatMap(([name, value]) => ["-d", `${name}=${value}`]);
  return { command: [phpFpm() ?? "php-fpm", "-n", "-F", "-O", ...(asRoot ? ["-R"] : []), ...said, "-y", file], socket };
}

/** Starts what `phpFpmCommand` says; `ready` is its address, `unix:PATH`. */
export async function startPhpFpm(
  folder: string,
  processes: number,
  env: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const { command, socket } = phpFpmCommand(folder, processes, settings);
  const script = `exec "$@" 2>&1`;
  const fpm = await startService("/bin/sh", ["-c", script, "fpm", ...command], /(ready to handle)/, { env });
  return { ...fpm, ready: `unix:${socket}` };
}
