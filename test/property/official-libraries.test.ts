// The engine and the interpreter against the official libraries: for random values of random types, what Apache Thrift's library
// writes becomes, byte for byte, what protobuf-es and protobufjs write for the same value, and the reverse.
import { createFileRegistry, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import protobufjs from "protobufjs";
import { expect, test } from "vitest";
import { compileInterpreter } from "../../src/codec/interpret.ts";
import { compileTranscoder } from "../../src/codec/transcode.ts";
import { writeDescriptorSet } from "../../src/schema/descriptor.ts";
import { printProto } from "../../src/schema/print-proto.ts";
import { LIMITS } from "../unit/codec/idl-link.ts";
import { link } from "../unit/schema/schema-fixture.ts";
import { apacheThrift, jsonOfStruct, randomStruct, randomThriftFile } from "./arbitrary-idl.ts";
import { createRandom } from "./arbitrary-link.ts";

const FILES = Number(process.env["CAUSEWAY_PROPERTY_RUNS"] ?? 300) / 5;
const VALUES_PER_FILE = 12;
const seed = Number(process.env["CAUSEWAY_SEED"] ?? Date.now() % 1_000_000);

/** What protobuf-es and protobufjs write for the message Root of derived files. */
function librariesOf(files: Parameters<typeof writeDescriptorSet>[0]) {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, writeDescriptorSet(files)));
  const descriptor = registry.getMessage("t.Root");
  if (!descriptor) throw new Error("t.Root is not in the descriptor set");
  const root = new protobufjs.Root();
  for (const file of files) if (file.package === "t") protobufjs.parse(printProto(file), root, { keepCase: true });
  const type = root.lookupType("t.Root");
  return {
    es: (json: JsonValue) => Buffer.from(toBinary(descriptor, fromJson(descriptor, json))),
    again: (bytes: Uint8Array) => Buffer.from(toBinary(descriptor, fromBinary(descriptor, bytes))),
    esJson: (bytes: Uint8Array) => toJson(descriptor, fromBinary(descriptor, bytes)),
    pbjs: (json: object) => Buffer.from(type.encode(type.fromObject(json)).finish()),
  };
}

test(`what one library writes becomes what the others write (seed ${seed})`, { timeout: 120_000 }, () => {
  for (let i = 0; i < FILES; i++) {
    const random = createRandom(seed + i);
    const text = randomThriftFile(random);
    const { linked } = link({ "t.thrift": text });
    const [message] = linked.schema.messages.get("t.Root")?.filter(({ wire }) => wire === "thrift") ?? [];
    if (!message) throw new Error("t.Root is not there");
    const body = { kind: "whole", link: linked.messageLink(message) } as const;
    const libraries = librariesOf(linked.schema.files.filter(({ wire }) => wire === "protobuf"));
    // Keys and values that are zero are written in entries of lists too; libraries leave them out there.
    const isCanonical = !/map<(?:double|binary|Leaf),/.test(text);
    for (let n = 0; n < VALUES_PER_FILE; n++) {
      const tree = randomStruct(random, message, 3);
      const json = jsonOfStruct(message, tree);
      const where = `seed ${seed + i}, value ${n} of\n${text}${JSON.stringify(json)}`;
      const expected = libraries.es(json as JsonValue);
      expect(libraries.pbjs(json).toString("hex"), where).toBe(expected.toString("hex"));
      const losses = { unknownFields: 0, duplicates: 0 };
      for (const codec of ["thrift-binary", "thrift-compact"] as const) {
        const thrift = apacheThrift(codec, message, tree);
        for (const compile of [compileTranscoder, compileInterpreter]) {
          const protobuf = Buffer.from(compile(body, codec, "protobuf", LIMITS)(thrift, losses));
          const canonical = isCanonical ? protobuf : libraries.again(protobuf);
          expect(canonical.toString("hex"), where).toBe(expected.toString("hex"));
          const back = Buffer.from(compile(body, "protobuf", codec, LIMITS)(protobuf, losses));
          expect(back.toString("hex"), where).toBe(thrift.toString("hex"));
        }
      }
      const ours = compileInterpreter(body, "protobuf", "json", LIMITS)(expected, losses);
      const parsed = JSON.parse(Buffer.from(ours).toString()) as JsonValue;
      expect(libraries.es(parsed).toString("hex"), where).toBe(expected.toString("hex"));
      if (isCanonical) expect(parsed, where).toEqual(libraries.esJson(expected));
      expect(losses, where).toEqual({ unknownFields: 0, duplicates: 0 });
    }
  }
});

test("Apache Thrift's library for Node loses the sign of zero; the bytes of a double pass here as they are", () => {
  const { linked } = link({ "t.thrift": "namespace * t\nstruct Root { 1: optional double d }" });
  const [message] = linked.schema.messages.get("t.Root")?.filter(({ wire }) => wire === "thrift") ?? [];
  if (!message) throw new Error("t.Root is not there");
  const body = { kind: "whole", link: linked.messageLink(message) } as const;
  for (const [codec, theirs, sound] of [
    ["thrift-binary", "040001000000000000000000", "040001800000000000000000"],
    ["thrift-compact", "17000000000000000000", "17000000000000008000"],
  ] as const) {
    expect(apacheThrift(codec, message, { fields: [[1, -0]] }).toString("hex")).toBe(theirs);
    const losses = { unknownFields: 0, duplicates: 0 };
    const protobuf = compileTranscoder(body, codec, "protobuf", LIMITS)(Buffer.from(sound, "hex"), losses);
    expect(Buffer.from(protobuf).toString("hex")).toBe("090000000000000080");
    const back = compileTranscoder(body, "protobuf", codec, LIMITS)(protobuf, losses);
    expect(Buffer.from(back).toString("hex")).toBe(sound);
  }
});
