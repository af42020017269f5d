import { expect, test } from "vitest";
import { hidden, hiddenConfig } from "../../../src/app/hidden.ts";
import { parseConfig } from "../../../src/config.ts";

test("a config is shown without its secrets, with addresses as text", () => {
  expect(
    hidden({
      listeners: [{ kind: "admin", address: { kind: "tcp", host: "127.0.0.1", port: 7422 } }],
      redis: { url: "redis://user:pw@10.0.0.1:6379", password: "pw" },
      headers: { Authorization: "Bearer x", "x-api-key": "y", cookie: { exact: "z" } },
      tls: { key: "/etc/tls/key.pem", certificate: undefined },
    }),
  ).toEqual({
    listeners: [{ kind: "admin", address: "127.0.0.1:7422" }],
    redis: { url: "redis://[hidden]@10.0.0.1:6379", password: "[hidden]" },
    headers: { Authorization: "[hidden]", "x-api-key": "[hidden]", cookie: "[hidden]" },
    tls: { key: "/etc/tls/key.pem", certificate: undefined },
  });
});

test.each([
  ["redis://:p@ss@h:1", "redis://[hidden]@h:1"],
  ["redis://h:1/0", "redis://h:1/0"],
  ["https://h/v1?key=abc&b=c#d", "https://h/v1?key=[hidden]&b=[hidden]#d"],
  ["https://h/users/@me", "https://h/users/@me"],
  ["what?a=b", "what?a=b"],
])("of %s %s is shown", (url, shown) => {
  expect(hidden(url)).toBe(shown);
});

test("upstreams are shown whatever they are called, and of a collector's headers the keys", () => {
  const text = `
tracing: { otlp: { url: "http://h/v1/traces", headers: { x-team: abc } } }
upstreams:
  token: { protocol: grpc, endpoints: ["127.0.0.1:1"], services: [a.B] }
`;
  const config = parseConfig(text, "/c.yaml", ({ message }) => expect.unreachable(message));
  expect(config && hiddenConfig(config.value)).toMatchObject({
    tracing: { otlp: { url: "http://h/v1/traces", headers: { "x-team": "[hidden]" } } },
    upstreams: { token: { protocol: "grpc", endpoints: [{ address: "127.0.0.1:1" }] } },
  });
});
