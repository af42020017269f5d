import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);

async function explain(config: string, args: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "causeway-explain-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "causeway.yaml");
  writeFileSync(path, `schema: { include: ["${ROOT}/idl"], files: ["${ROOT}/idl/shop/inventory.thrift"] }\n${config}`);
  const main = join(ROOT, "src/cli/main.ts");
  return run(process.execPath, [main, "explain", ...args, "-c", path]).catch((error: { stderr: string }) => error);
}

const CONFIG = `
upstreams:
  a: { protocol: thrift-framed, endpoints: ["10.0.0.1:1"], services: [shop.Inventory] }
  b:
    protocol: thrift-framed
    endpoints: [{ address: "10.0.0.2:1", labels: { version: v1 } }, { address: "10.0.0.3:1", labels: { version: v2 } }]
    policies: [{ only: [shop.Inventory/get], timeoutMs: 70 }]
routes:
  - { name: coffee, match: { field: { path: sku, exact: COFFEE } }, to: a }
  - { name: beta, match: { headers: { x-tenant: { prefix: beta- } } }, to: [{ upstream: b, labels: { version: v2 }, weight: 1 }, { upstream: a, weight: 3 }] }
authorize: { rules: [{ effect: deny, callers: [batch] }] }
`;

test("says which rules fit, where the call goes, and what holds there", async () => {
  const { stdout } = (await explain(CONFIG, ["shop.Inventory/get", "-H", "x-tenant=beta-7", "--caller", "web"])) as {
    stdout: string;
  };
  const lines = stdout.split("\n");
  expect(lines.slice(0, 6)).toEqual([
    "shop.Inventory/get, by the caller web",
    "authorization: allowed by authorize.default",
    "route coffee: may fit",
    '  field sku is "COFFEE": depends on the message',
    "route beta: fits",
    '  header x-tenant begins with "beta-": holds',
  ]);
  expect(stdout).toContain("to the upstream a by coffee\n");
  expect(stdout).toContain("to the upstream b by beta, 25 % of the calls, labels version=v2\n");
  expect(stdout).toContain("  timeoutMs: 70\n");
  expect(stdout).toContain("  endpoint 10.0.0.2:1: has not the labels that the route demands\n");
  expect(stdout).toContain("  endpoint 10.0.0.3:1: can be called\n");
});

test("--json is one object, and says who is denied by what", async () => {
  const { stdout } = (await explain(CONFIG, ["shop.Inventory/ping", "--json", "--caller", "batch"])) as {
    stdout: string;
  };
  expect(JSON.parse(stdout)).toMatchObject({
    authorization: "denied by authorize.rules[0]",
    routes: [{ verdict: "does not fit" }, { verdict: "does not fit" }],
    ways: [{ upstream: "a", by: "the service's upstream" }],
  });
});

test("a method that is not there is told with those that are", async () => {
  const { stderr } = await explain(CONFIG, ["shop.Inventory/gett"]);
  expect(stderr).toContain("the service shop.Inventory has no method gett, expected one of ping, get, search");
});
