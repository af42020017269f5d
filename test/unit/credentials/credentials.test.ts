import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Log } from "../../../src/base/log.ts";
import { checkCredentials } from "../../../src/credentials/check-credentials.ts";
import { loadCredentials, type Pems, readPems } from "../../../src/credentials/credentials.ts";
import { listenerTlsOptions, upstreamTlsOptions } from "../../../src/credentials/tls-options.ts";
import { whatIsMissing } from "../../../tools/toolchain.ts";
import { type Authority, createAuthority, type Pair } from "../../certificates.ts";
import { quietLog } from "../../quiet-log.ts";

const missing = whatIsMissing(["openssl"]);
let authority: Authority;
let first: Pair;
let second: Pair;
let text: string;

beforeAll(() => {
  if (missing) return;
  authority = createAuthority();
  first = authority.issue("first", {});
  second = authority.issue("second", {});
  text = join(authority.folder, "text");
  writeFileSync(text, "no PEM\n");
});
afterAll(() => {
  if (!missing) authority.remove();
});
beforeEach(({ skip }) => {
  if (missing) skip(missing);
});

/** A pair at a place of its own, as a link to a folder: what orchestrators mount. */
function mounted(pair: Pair) {
  const folder = join(authority.folder, `mount-${Math.random()}`);
  const put = (version: string, { cert, key }: Pair) => {
    mkdirSync(join(folder, version), { recursive: true });
    copyFileSync(cert, join(folder, version, "cert"));
    copyFileSync(key, join(folder, version, "key"));
  };
  const point = (version: string) => {
    symlinkSync(version, join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "current"));
  };
  put("1", pair);
  point("1");
  return { put, point, files: { cert: join(folder, "current/cert"), key: join(folder, "current/key") } };
}

function recorded() {
  const lines: string[] = [];
  const at = (level: string) => (facts: object, message: string) =>
    void lines.push(`${level}: ${message}${"reason" in facts ? `: ${facts.reason}` : ""}`);
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { log, lines };
}

test.each([
  ["a certificate that is not there", () => ({ cert: "/nowhere" }), "cert", "/nowhere cannot be read: ENOENT"],
  ["a certificate that is none", () => ({ cert: text }), "cert", "text holds no certificate that can be read (PEM)"],
  ["an authority that is none", () => ({ ca: text }), "ca", "text holds no certificate that can be read (PEM)"],
  ["a key that is none", () => ({ ...first, key: text }), "key", "text holds no private key that can be read"],
  ["another's key", () => ({ ...first, key: second.key }), "key", "is not the key of the certificate in"],
])("%s is an error that names the file", (_, files, which, message) => {
  expect(() => readPems(files())).toThrow(
    expect.objectContaining({ which, message: expect.stringContaining(message) }),
  );
});

test("a folder that is swapped behind a link is seen, and said", () => {
  const { put, point, files } = mounted(first);
  const { log, lines } = recorded();
  const credentials = loadCredentials(files, ({ cert }) => String(cert), log);
  const before = credentials.current;
  expect(credentials.refresh()).toBe(false);
  put("2", second);
  expect(credentials.refresh()).toBe(false);
  point("2");
  expect(credentials.refresh()).toBe(true);
  expect(credentials.current).not.toBe(before);
  expect(lines).toEqual(["info: changed TLS files are in use"]);
});

test("a broken new pair is refused once, the old one stays, and a good one after it is taken", () => {
  const { put, point, files } = mounted(first);
  const { log, lines } = recorded();
  const credentials = loadCredentials(files, (pems: Pems) => pems, log);
  const before = credentials.current;
  put("2", { cert: second.cert, key: first.key });
  point("2");
  expect(credentials.refresh()).toBe(false);
  expect(credentials.refresh()).toBe(false);
  expect(credentials.current).toBe(before);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^error: changed TLS files cannot be used: the ones before stay in use: .*is not the key of the certificate/,
  );
  put("3", second);
  point("3");
  expect(credentials.refresh()).toBe(true);
});

test("what is built of them and fails is refused like a broken file", () => {
  const { put, point, files } = mounted(first);
  let good = true;
  const credentials = loadCredentials(
    files,
    () => {
      if (!good) throw new Error("too weak");
      return "built";
    },
    quietLog,
  );
  good = false;
  put("2", second);
  point("2");
  expect(credentials.refresh()).toBe(false);
  expect(credentials.current).toBe("built");
});

test("a check of a config names the place of each file that cannot be used", () => {
  const faults: string[] = [];
  checkCredentials(
    {
      listeners: [{}, { tls: listenerTlsOptions.parse({ ...first, clientCa: text }) }],
      upstreams: {
        a: { tls: upstreamTlsOptions.parse({ ...second, key: first.key }) },
        b: { tls: upstreamTlsOptions.parse(true) },
        c: { tls: upstreamTlsOptions.parse({ ca: "/nowhere" }) },
      },
    },
    (path) => faults.push(path.join(".")),
  );
  expect(faults).toEqual(["listeners.1.tls.clientCa", "upstreams.a.tls.key", "upstreams.c.tls.ca"]);
});
