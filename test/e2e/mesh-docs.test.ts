// The example of docs/mesh.md, run: both configs are served, and the call arrives.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import thrift from "thrift";
import { expect, onTestFinished, test } from "vitest";
import common from "../../demo/gen/thrift/common_types.js";
import Inventory from "../../demo/gen/thrift/Inventory.js";
import { whatIsMissing } from "../../tools/toolchain.ts";
import { startSidecarForTest } from "./sidecar.ts";

const types: typeof import("../../demo/gen/thrift/inventory_types.js") = createRequire(import.meta.url)(
  "../../demo/gen/thrift/inventory_types.js",
);

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const page = readFileSync(join(ROOT, "docs/mesh.md"), "utf8");

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, text = ""]) => text);
}

test("the example of docs/mesh.md works as it is written", async ({ skip }) => {
  const missing = whatIsMissing(["curl"]);
  if (missing) skip(missing);
  const server = thrift.createServer(
    Inventory.Processor,
    {
      async get(sku: string) {
        const price = new common.Money({ currency: "EUR", units: new thrift.Int64(4), nanos: 0 });
        return new types.Item({ sku, title: "Green tea", price });
      },
    },
    { transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  // Only the ports must be free ones, and the paths those of this clone.
  const portable = (text: string) =>
    text
      .replace(/\bidl\b/g, `${ROOT}/idl`)
      .replace("0.0.0.0:7430", "127.0.0.1:0")
      .replace(/\{ kind: (\w+) \}/g, '{ kind: $1, address: "127.0.0.1:0" }');
  const [beside = "", caller = ""] = blocks("yaml").map(portable);
  const { port } = server.address() as AddressInfo;
  const provider = startSidecarForTest(`${beside.replace("127.0.0.1:9090", `127.0.0.1:${port}`)}accessLog: all\n`);
  const address = await provider.addressOf("provider");
  const sidecar = startSidecarForTest(caller.replace("10.0.0.7:7430", address));
  const [call = ""] = blocks("sh");
  const { stdout } = await run("bash", ["-ec", call.replace("127.0.0.1:7421", await sidecar.addressOf("http"))]);
  expect(JSON.parse(stdout)).toMatchObject({ success: { sku: "TEA", title: "Green tea" } });
  expect(await provider.logged(({ msg }) => msg === "call")).toMatchObject({ from: "shop-web", inbound: "ttheader" });
});
