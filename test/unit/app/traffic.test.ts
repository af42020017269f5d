import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type CheckedConfig, checkConfig } from "../../../src/app/check-config.ts";
import { createTraffic } from "../../../src/app/traffic.ts";
import type { UpstreamsContext } from "../../../src/app/upstreams.ts";
import { whatIsMissing } from "../../../tools/toolchain.ts";
import { createAuthority } from "../../certificates.ts";
import { createFakeClock } from "../../fake-clock.ts";
import { quietLog } from "../../quiet-log.ts";

/** Configs of two upstreams, and who counts what is watched. */
function setUp() {
  const folder = mkdtempSync(join(tmpdir(), "causeway-traffic-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, "causeway.yaml");
  writeFileSync(join(folder, "shop.thrift"), "service Shop { void open() }\nservice Till { void pay() }\n");
  const watched: string[] = [];
  const context: UpstreamsContext = {
    resolver: {
      watch(upstream, changed) {
        watched.push(upstream);
        changed({ kind: "known", endpoints: [] });
        return () => void watched.splice(watched.indexOf(upstream), 1);
      },
    },
    zone: undefined,
    log: quietLog,
    clock: createFakeClock(),
    shared: undefined,
    switches: { modeOf: () => undefined },
    upstreamOf: () => undefined,
  };
  async function check(timeoutMs: number, tillMore = ""): Promise<CheckedConfig> {
    const upstream = `protocol: thrift-framed, endpoints: ["127.0.0.1:9"]`;
    const text = `schema: { files: [shop.thrift] }
upstreams:
  shop: { ${upstream}, services: [shop.Shop], timeoutMs: ${timeoutMs} }
  till: { ${upstream}, services: [shop.Till]${tillMore} }
`;
    writeFileSync(config, text);
    const checked = await checkConfig(config, ({ message }) => expect(message).toBe(""), {});
    if (!checked) throw new Error("the config is wrong");
    return checked;
  }
  return { context, watched, check };
}

test("a config whose files of TLS are gone when it is put to work leaves nothing open but what was", async ({
  skip,
}) => {
  const missing = whatIsMissing(["openssl"]);
  if (missing) skip(missing);
  const { context, watched, check } = setUp();
  const authority = createAuthority();
  onTestFinished(authority.remove);
  const [good, bad] = [await check(1), await check(2, `, tls: { ca: ${JSON.stringify(authority.ca)} }`)];
  rmSync(authority.ca);
  expect(() => createTraffic(bad, undefined, context)).toThrow(authority.ca);
  expect(watched).toEqual([]);

  const traffic = createTraffic(good, undefined, context);
  const before = watched.toSorted();
  expect(before).toContain("till");
  expect(() => createTraffic(bad, traffic, context)).toThrow(authority.ca);
  expect(watched.toSorted()).toEqual(before);
});

test("what fails behind the upstreams leaves those open that were, and no others", async () => {
  const { context, watched, check } = setUp();
  const [good, other] = [await check(1), await check(2)];
  const traffic = createTraffic(good, undefined, context);
  const before = watched.toSorted();
  const config = Object.defineProperty({ ...other.config }, "routes", {
    get(): never {
      throw new Error("no routes");
    },
  });
  expect(() => createTraffic({ ...other, config }, traffic, context)).toThrow("no routes");
  expect(watched.toSorted()).toEqual(before);
  await traffic.close();
  expect(watched).toEqual([]);
});
