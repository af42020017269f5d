import { expect, test } from "vitest";
import { CODE_NUMBERS, type Code } from "../../../../src/base/errors.ts";
import { CONNECT_CODES, printError } from "../../../../src/protocol/http/connect-error.ts";

test("every code has its name in snake case but one, and an HTTP status of an error", () => {
  for (const code of Object.keys(CODE_NUMBERS) as Code[]) {
    const { name, httpStatus } = CONNECT_CODES[code];
    expect(name).toBe(code === "CANCELLED" ? "canceled" : code.toLowerCase());
    expect(httpStatus).toBeGreaterThanOrEqual(400);
  }
});

test("details have the bytes unpadded, and their JSON where it can be printed", () => {
  const details = [
    { typeUrl: "type.googleapis.com/a.Known", value: Uint8Array.of(1, 2) },
    { typeUrl: "a.Unknown", value: Uint8Array.of(0xff, 1).subarray(1) },
  ];
  const print = ({ typeUrl }: { typeUrl: string }) => (typeUrl.endsWith("Known") ? '{"n":1}' : undefined);
  const text = printError({ code: "ABORTED", message: 'say "no"\n', details }, (detail) =>
    detail.typeUrl.includes("Unknown") ? undefined : print(detail),
  );
  expect(JSON.parse(text)).toEqual({
    code: "aborted",
    message: 'say "no"\n',
    details: [
      { type: "a.Known", value: "AQI", debug: { n: 1 } },
      { type: "a.Unknown", value: "AQ" },
    ],
  });
});

test("an error without a message or details has its code alone", () => {
  expect(printError({ code: "UNKNOWN", message: "", details: [] }, () => undefined)).toBe('{"code":"unknown"}');
});
