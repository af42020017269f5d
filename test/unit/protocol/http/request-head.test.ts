import { expect, test } from "vitest";
import { RpcError } from "../../../../src/base/errors.ts";
import { writeRequestHead } from "../../../../src/protocol/http/request-head.ts";

const REQUEST = { path: "/a/b", headers: ["accept", "x/y", "tenant", "\xfc"], body: new Uint8Array(3) };

test("a request names its host, its length and its headers, in their order", () => {
  expect(writeRequestHead(REQUEST, "one:80")).toBe(
    "POST /a/b HTTP/1.1\r\nhost: one:80\r\ncontent-length: 3\r\naccept: x/y\r\ntenant: \xfc\r\n\r\n",
  );
});

test.each([
  ["the path", { path: "/a\r\nb: c" }, "one"],
  ["the host", {}, "one\r\nb: c"],
  ["a header's name", { headers: ["a\nb", "c"] }, "one"],
  ["a header's value", { headers: ["a", "b\r\n\r\nPOST / HTTP/1.1"] }, "one"],
  ["a value beyond ISO-8859-1", { headers: ["a", "\u010d\u010a"] }, "one"],
])("%s cannot end its line", (_what, changes, authority) => {
  expect(() => writeRequestHead({ ...REQUEST, ...changes }, authority)).toThrow(RpcError);
});
