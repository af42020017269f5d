// Links from IDL text, as the tests of the codec need them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { formatDiagnostic } from "../../../src/base/diagnostic.ts";
import { RpcError } from "../../../src/base/errors.ts";
import type { Codec, Limits, Losses } from "../../../src/codec/codec.ts";
import { compileInterpreter } from "../../../src/codec/interpret.ts";
import { compileTranscoder } from "../../../src/codec/transcode.ts";
import type { BodyLink, MessageLink } from "../../../src/schema/link.ts";
import { linkSchema } from "../../../src/schema/link-schema.ts";
import { findMessage, loadSchema } from "../../../src/schema/load.ts";

export const LIMITS: Limits = { maxBytes: 1 << 20, maxDepth: 64, maxElements: 100_000 };

/** The link of the message `type`, declared in .thrift text, .proto text or both; where both, they pair by full name. */
export function linkText(type: string, idl: { readonly thrift?: string; readonly proto?: string }): MessageLink {
  const folder = mkdtempSync(join(tmpdir(), "causeway-codec-"));
  try {
    const paths = Object.entries(idl).map(([extension, text]) => {
      const path = join(folder, `test.${extension}`);
      writeFileSync(path, text);
      return path;
    });
    const errors: string[] = [];
    const schema = loadSchema(paths, { includeDirs: [], allowNegativeKeys: false }, (each) => {
      if (each.severity === "error") errors.push(formatDiagnostic(each));
    });
    if (!schema) throw new Error(errors.join("\n"));
    const message = findMessage(schema, type, idl.thrift === undefined ? "protobuf" : "thrift");
    if (typeof message === "string") throw new Error(message);
    const linked = linkSchema(schema, { pairs: [] }, (each) => {
      if (each.severity === "error") errors.push(formatDiagnostic(each));
    });
    if (errors.length > 0) throw new Error(errors.join("\n"));
    return linked.messageLink(message);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Thrift and Protobuf text for one file of the same package. */
export function bothTexts(thrift: string, proto: string): { readonly thrift: string; readonly proto: string } {
  return { thrift: `namespace * test\n${thrift}`, proto: `syntax = "proto3";\npackage test;\n${proto}` };
}

export interface Translation {
  readonly hex: string;
  readonly losses: Losses;
}

/** Translates hexadecimal to hexadecimal (white space ignored), by the engine and by the interpreter, which must agree. */
export function translate(
  link: MessageLink | BodyLink,
  from: Codec,
  to: Codec,
  hex: string,
  limits = LIMITS,
): Translation {
  const body: BodyLink = "kind" in link ? link : { kind: "whole", link };
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  const [actual, expected] = [compileTranscoder, compileInterpreter].map((compile) => {
    const losses: Losses = { unknownFields: 0, duplicates: 0 };
    const result = compile(body, from, to, limits)(bytes, losses);
    return { hex: Buffer.from(result).toString("hex"), losses };
  });
  expect(actual).toEqual(expected);
  return actual!;
}

/** The message of the engine's error, after both have failed with INVALID_ARGUMENT. */
export function translateError(
  link: MessageLink | BodyLink,
  from: Codec,
  to: Codec,
  hex: string,
  limits = LIMITS,
): string {
  const body: BodyLink = "kind" in link ? link : { kind: "whole", link };
  const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  const [message] = [compileTranscoder, compileInterpreter].map((compile) => {
    try {
      compile(body, from, to, limits)(bytes, { unknownFields: 0, duplicates: 0 });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      expect(error.code).toBe("INVALID_ARGUMENT");
      return error.message;
    }
    throw new Error("expected an error");
  });
  return message!;
}

/** Text as hexadecimal. */
export function ascii(text: string): string {
  return Buffer.from(text).toString("hex");
}
