// PHP-FPM at a unix socket, for as long as a test needs it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Service, startService } from "../../tools/program.ts";
import { phpFpm } from "../../tools/toolchain.ts";

/** Starts PHP-FPM with two processes, at the socket `name`.sock in the folder, which gets its config too. */
export function startPhpFpm(folder: string, name: string, env: Readonly<Record<string, string>>): Promise<Service> {
  const asRoot = process.getuid?.() === 0;
  const lines = [
    ...["[global]", "daemonize = no", "[www]", `listen = ${join(folder, name)}.sock`],
    ...["pm = static", "pm.max_children = 2", "catch_workers_output = yes", "clear_env = no"],
    ...(asRoot ? ["user = root", "group = root"] : []),
  ];
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  const args = [phpFpm() ?? "php-fpm", "-n", "-F", "-O", ...(asRoot ? ["-R"] : []), "-y", file];
  return startService("/bin/sh", ["-c", `exec "$@" 2>&1`, "fpm", ...args], /(ready to handle)/, { env });
}
