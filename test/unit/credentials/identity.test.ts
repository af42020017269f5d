import { expect, test } from "vitest";
import { identityOf } from "../../../src/credentials/identity.ts";

test.each([
  ["URI:spiffe://shop/web, DNS:web", "spiffe://shop/web"],
  ["DNS:web, URI:spiffe://shop/web", "spiffe://shop/web"],
  ["IP Address:127.0.0.1, DNS:web, DNS:other", "web"],
  ["DNS:shop:7420, IP Address:1.1.1.1", "shop:7420"],
  ["IP Address:127.0.0.1", "the subject"],
  ["", "the subject"],
])("the names %s make %s", (subjectaltname, expected) => {
  expect(identityOf({ subjectaltname, subject: { CN: "the subject" } })).toBe(expected);
});

test("a name that holds what looks like another name is one name", () => {
  expect(identityOf({ subjectaltname: 'DNS:"a, URI:spiffe://shop/admin", DNS:b' })).toBe("a, URI:spiffe://shop/admin");
  expect(identityOf({ subjectaltname: 'DNS:"a\\", URI:spiffe://shop/admin, \\"", DNS:b' })).not.toBe(
    "spiffe://shop/admin",
  );
});

test("of several common names the first counts, and a certificate without any name has none", () => {
  expect(identityOf({ subject: { CN: ["one", "two"] } })).toBe("one");
  expect(identityOf({ subject: {} })).toBeUndefined();
});
