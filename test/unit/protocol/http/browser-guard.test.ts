import { expect, test } from "vitest";
import type { Address } from "../../../../src/base/address.ts";
import { browserGuardOptions, guardBrowsers } from "../../../../src/protocol/http/browser-guard.ts";
import { textResponse } from "../../../../src/protocol/http/http.ts";
import { requestOf, textOf } from "./requests.ts";

const TCP: Address = { kind: "tcp", host: "127.0.0.1", port: 7421 };

function guard(options: { allowedOrigins?: string[]; allowedHosts?: string[] } = {}, address: Address = TCP) {
  const guarded = guardBrowsers({ ...browserGuardOptions.parse(options), address }, () => textResponse(200, "in"));
  return (headers: Record<string, string>, method = "POST") =>
    guarded(requestOf("application/json", "{}", { headers, method }));
}

test.each(["127.0.0.1", "127.0.0.1:7421", "[::1]:7421", "localhost", "LocalHost:80", "10.1.2.3"])(
  "the host %s is served",
  async (host) => {
    expect(await guard()({ host })).toMatchObject({ status: 200 });
  },
);

test.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7421", "", "[::1].evil.example"])(
  "the host %j is 403",
  async (host) => {
    const response = await guard()({ host });
    expect(response.status).toBe(403);
    expect(textOf(response)).toContain("allowedHosts");
  },
);

test("the listener's own name and allowed ones are served, and any name on a unix socket", async () => {
  const named = guard({ allowedHosts: ["Sidecar"] }, { kind: "tcp", host: "0.0.0.0", port: 1 });
  expect(await named({ host: "sidecar:7421" })).toMatchObject({ status: 200 });
  expect(await guard({}, { kind: "unix", path: "/run/http.sock" })({ host: "any.name" })).toMatchObject({
    status: 200,
  });
});

test("without allowed origins no page is served, not even its preflight", async () => {
  const headers = { origin: "http://localhost:3000", "access-control-request-method": "POST" };
  expect(await guard()(headers, "OPTIONS")).toMatchObject({ status: 403 });
  expect(await guard()(headers)).toMatchObject({ status: 403 });
});

test("* allows every origin, by its name, and never with credentials", async () => {
  const response = await guard({ allowedOrigins: ["*"] })({ origin: "https://a.example" });
  expect(response.headers.get("access-control-allow-origin")).toBe("https://a.example");
  expect(response.headers.get("access-control-allow-credentials")).toBeUndefined();
});

test("a preflight that asks for headers which are none gets none", async () => {
  const asked = { "access-control-request-method": "POST", "access-control-request-headers": "a\tb" };
  const response = await guard({ allowedOrigins: ["*"] })({ origin: "https://a.example", ...asked }, "OPTIONS");
  expect(response.status).toBe(200);
  expect(response.headers.get("access-control-allow-headers")).toBeUndefined();
});

test.each(["shop.example", "https://shop.example/", "https://"])("%j is no origin", (origin) => {
  expect(browserGuardOptions.safeParse({ allowedOrigins: [origin] }).success).toBe(false);
});
