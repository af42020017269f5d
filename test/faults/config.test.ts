// Mutated configs: whoever wrote one is told what is wrong and where, and nothing else happens.
import { expect, test } from "vitest";
import type { Diagnostic } from "../../src/base/diagnostic.ts";
import { parseConfig } from "../../src/config.ts";
import { usedBytes } from "./memory.ts";
import { runMutations } from "./run.ts";
import { checkDiagnostics, mutatedText } from "./text.ts";

const CONFIG = Buffer.from(`# A sidecar of the shop.
schema:
  files: ["inventory.thrift", orders.proto]
  include: &dirs [".", ../idl]
  links:
    - { thrift: shop.Vouchers, protobuf: shop.v1.Vouchers }
  strict: false
listeners:
  - { kind: local, address: "127.0.0.1:7420", defaultService: shop.Inventory, maxConnections: 100 }
  - kind: admin
    address: unix:/run/admin.sock
upstreams:
  inventory: { protocol: thrift-framed, endpoints: ["127.0.0.1:9090", "[::1]:9091"], services: [shop.Inventory] }
  orders:
    protocol: grpc
    endpoints: [unix:/run/orders.sock]
    services:
      - shop.v1.Orders
    timeoutMs: 1500
limits: { maxMessageBytes: 1048576, maxDepth: 32 }
accessLog: { sample: 0.5, slowMs: 20 }
drainMs: 500
`);

test("a mutated config is read, or is told where it is wrong", async () => {
  const good = { read: 0, refused: 0 };
  await runMutations({
    entry: "config",
    messages: [CONFIG],
    workers: 1,
    memory: usedBytes,
    exchange(mutation) {
      const text = mutatedText(mutation, CONFIG).toString("utf8");
      const diagnostics: Diagnostic[] = [];
      try {
        const config = parseConfig(text, "causeway.yaml", (diagnostic) => void diagnostics.push(diagnostic));
        checkDiagnostics(diagnostics, config !== undefined);
        good[config ? "read" : "refused"]++;
      } catch (cause) {
        throw new Error(`${cause instanceof Error ? cause.message : cause} with the text\n${text}`, { cause });
      }
    },
  });
  expect(Math.min(good.read, good.refused)).toBeGreaterThan(0);
});
