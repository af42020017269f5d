import { expect, test } from "vitest";
import { hidden } from "../../../src/app/admin-views.ts";

test("a config is shown without its secrets, with addresses as text", () => {
  expect(
    hidden({
      listeners: [{ kind: "admin", address: { kind: "tcp", host: "127.0.0.1", port: 7422 } }],
      redis: { url: "redis://user:pw@10.0.0.1:6379", password: "pw" },
      tracing: { headers: { Authorization: "Bearer x", "x-api-key": "y" }, url: "http://collector:4318/v1/traces" },
      tls: { key: "/etc/tls/key.pem", certificate: undefined },
    }),
  ).toEqual({
    listeners: [{ kind: "admin", address: "127.0.0.1:7422" }],
    redis: { url: "redis://[hidden]@10.0.0.1:6379", password: "[hidden]" },
    tracing: {
      headers: { Authorization: "[hidden]", "x-api-key": "[hidden]" },
      url: "http://collector:4318/v1/traces",
    },
    tls: { key: "/etc/tls/key.pem", certificate: undefined },
  });
});
