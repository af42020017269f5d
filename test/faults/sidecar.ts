// A sidecar under attack: a real process whose memory can be asked for, and which has to end as if nothing had been.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { startSidecar } from "../e2e/sidecar.ts";

const PROBE = pathToFileURL(join(import.meta.dirname, "memory-probe.ts")).href;

export interface AttackedSidecar {
  /** The path of its local listener's unix socket: thousands of connections leave no ports behind there. */
  readonly path: string;
  /** HOST:PORT of its local listener on TCP. */
  readonly address: string;
  /** HOST:PORT of its admin listener. */
  readonly admin: string;
  /** Bytes that it has in use after a collection. */
  memory(): Promise<number>;
  /** Asks it to stop, and fails unless it does so in good order, having blamed nothing on itself. */
  stop(): Promise<void>;
}

/** Starts one with these lines of config below its listeners; the caller stops it, within the test or after it. */
export async function startAttackedSidecar(config: string): Promise<AttackedSidecar> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-faults-"));
  const path = join(folder, "local.sock");
  const listeners = `
listeners:
  - { kind: local, address: "127.0.0.1:0", defaultService: kinds.Kinds }
  - { kind: local, address: "unix:${path}", defaultService: kinds.Kinds }
  - { kind: admin, address: "127.0.0.1:0" }
`;
  const sidecar = startSidecar(listeners + config, ["--import", PROBE]);
  const [address, admin, probe] = await Promise.all([
    sidecar.addressOf("local"),
    sidecar.addressOf("admin"),
    sidecar.logged(({ msg }) => msg === "memory probe"),
  ]);
  return {
    path,
    address,
    admin,
    async memory() {
      return Number(await (await fetch(String(probe["url"]))).text());
    },
    async stop() {
      sidecar.process.kill("SIGTERM");
      const exited = await sidecar.exited;
      rmSync(folder, { recursive: true, force: true });
      expect(exited).toEqual({ code: 0, signal: null, stderr: "" });
      expect(sidecar.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    },
  };
}
