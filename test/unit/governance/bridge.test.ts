import { expect, test } from "vitest";
import { RpcError } from "../../../src/base/errors.ts";
import { Metadata } from "../../../src/base/metadata.ts";
import type { Codec, Losses } from "../../../src/codec/codec.ts";
import { faultError } from "../../../src/codec/fault.ts";
import { FAULT_MISSING } from "../../../src/codec/layout.ts";
import { bridge, type UnknownFields } from "../../../src/governance/bridge.ts";
import { EXCEPTION_TYPE, ThriftFault } from "../../../src/protocol/thrift/codes.ts";
import type { Call, Handler } from "../../../src/rpc/call.ts";
import type { BodyLink, MethodLink } from "../../../src/schema/link.ts";
import type { Method } from "../../../src/schema/model.ts";
import { messageField, messageOf, methodOf } from "../../model.ts";
import { callOf, exceptionOf, rejection, resultOf } from "./calls.ts";

const gone = { thrift: messageOf("thrift", "shop.Gone"), protobuf: messageOf("protobuf", "shop.v1.Gone") };
const late = { thrift: messageOf("thrift", "shop.Late"), protobuf: messageOf("protobuf", "shop.v1.Late") };

const thriftMethod = methodOf("thrift", "shop.Inventory", "get", {
  throws: [messageField(1, "gone", gone.thrift), messageField(3, "late", late.thrift)],
});
const protobufMethod = methodOf("protobuf", "shop.v1.Inventory", "Get", {
  throws: [messageField(1, "gone", gone.protobuf), messageField(3, "late", late.protobuf)],
});

const LIMITS = { maxBytes: 1_000, maxDepth: 8, maxElements: 100 };

function bodyOf(name: string): BodyLink {
  return {
    kind: "whole",
    link: {
      thrift: messageOf("thrift", name),
      protobuf: messageOf("protobuf", name),
      fields: [],
      union: false,
      oneofs: [],
    },
  };
}

const link: MethodLink = {
  thrift: thriftMethod,
  protobuf: protobufMethod,
  request: bodyOf("request"),
  response: bodyOf("response"),
  exceptions: new Map([
    [1, bodyOf("gone")],
    [3, bodyOf("late")],
  ]),
};

/** Bytes that begin with 0xFF are malformed, and every 0xEE in them is an unknown field; else the text says what was done. */
function compile(body: BodyLink, from: Codec, to: Codec) {
  const name = body.link.thrift.fullName;
  return (bytes: Uint8Array, losses: Losses): Uint8Array => {
    if (bytes[0] === 0xff) throw new RpcError("INVALID_ARGUMENT", "item.price at byte 0: broken");
    losses.unknownFields += bytes.filter((byte) => byte === 0xee).length;
    return Buffer.from(`${name} ${from}>${to} ${bytes.length}`);
  };
}

function createBridge(codec: Codec, links: readonly MethodLink[] = [link], unknownFields: UnknownFields = "drop") {
  const byMethod = new Map<Method, MethodLink>();
  for (const each of links) byMethod.set(each.thrift, each).set(each.protobuf, each);
  return bridge({ codec, links: byMethod, compile }, unknownFields);
}

const thriftCall = (changes: Partial<Call> = {}) => callOf({ method: thriftMethod, ...changes });
const grpcCall = (changes: Partial<Call> = {}) =>
  callOf({
    method: protobufMethod,
    payload: { type: protobufMethod.request, codec: "protobuf", bytes: Uint8Array.of(1, 2) },
    ...changes,
  });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("bytes of the upstream's own wire pass untouched, and nothing is compiled", async () => {
  const seen: Call[] = [];
  const reply = resultOf();
  const handle = createBridge(
    "thrift-binary",
    [],
  )((call) => {
    seen.push(call);
    return Promise.resolve(reply);
  });
  const call = thriftCall();
  expect(await handle(call)).toBe(reply);
  expect(seen[0]).toBe(call);
});

test("a Thrift call goes to a gRPC upstream as its Protobuf twin, and the result comes back as Thrift", async () => {
  const seen: Call[] = [];
  const trailers = Metadata.from([["t", "1"]]);
  const handle = createBridge("protobuf")((call) => {
    seen.push(call);
    return Promise.resolve({ ...resultOf(Uint8Array.of(5), { codec: "protobuf" }), trailers });
  });
  const call = thriftCall({ headers: Metadata.from([["h", "1"]]) });
  const reply = await handle(call);
  expect(seen[0]?.method).toBe(protobufMethod);
  expect(seen[0]?.headers).toBe(call.headers);
  expect(seen[0]?.payload).toMatchObject({ type: protobufMethod.request, codec: "protobuf" });
  expect(text(seen[0]!.payload.bytes)).toBe("request thrift-binary>protobuf 3");
  expect(reply).toMatchObject({ kind: "result", payload: { type: thriftMethod.response, codec: "thrift-binary" } });
  expect(text(reply.payload.bytes)).toBe("response protobuf>thrift-binary 1");
  expect(reply.trailers).toBe(trailers);
});

test("a gRPC call goes to a Thrift upstream as its Thrift twin", async () => {
  const seen: Call[] = [];
  const handle = createBridge("thrift-binary")((call) => {
    seen.push(call);
    return Promise.resolve(resultOf(Uint8Array.of(5, 6)));
  });
  const reply = await handle(grpcCall());
  expect(seen[0]?.method).toBe(thriftMethod);
  expect(text(seen[0]!.payload.bytes)).toBe("request protobuf>thrift-binary 2");
  expect(text(reply.payload.bytes)).toBe("response thrift-binary>protobuf 2");
  expect(reply.payload).toMatchObject({ type: protobufMethod.response, codec: "protobuf" });
});

test("a Thrift exception reaches a gRPC caller as the exception message and the caller's field", async () => {
  const handle = createBridge("thrift-binary")(() =>
    Promise.resolve(exceptionOf(thriftMethod.throws[1]!, Uint8Array.of(1, 2, 3))),
  );
  const reply = await handle(grpcCall());
  expect(reply).toMatchObject({ kind: "exception", payload: { type: late.protobuf, codec: "protobuf" } });
  expect(reply.kind === "exception" && reply.field).toBe(protobufMethod.throws[1]);
  expect(text(reply.payload.bytes)).toBe("late thrift-binary>protobuf 3");
});

test("a Protobuf exception reaches a Thrift caller as its result struct", async () => {
  const handle = createBridge("protobuf")(() =>
    Promise.resolve(exceptionOf(protobufMethod.throws[0]!, Uint8Array.of(1), { codec: "protobuf" })),
  );
  const reply = await handle(thriftCall());
  expect(text(reply.payload.bytes)).toBe("gone protobuf>thrift-binary 1");
  expect(reply.kind === "exception" && reply.field).toBe(thriftMethod.throws[0]);
  expect(reply.payload).toMatchObject({ type: thriftMethod.response, codec: "thrift-binary" });
});

test("an error of the upstream passes as it is", async () => {
  const error = new RpcError("NOT_FOUND", "no", { origin: "peer", trailers: Metadata.from([["t", "1"]]) });
  expect(await rejection(createBridge("protobuf")(() => Promise.reject(error))(thriftCall()))).toBe(error);
});

test("a bad request is INVALID_ARGUMENT and reaches no endpoint", async () => {
  let reached = false;
  const next: Handler = () => {
    reached = true;
    return Promise.resolve(resultOf());
  };
  const payload = { type: thriftMethod.request, codec: "thrift-binary" as const, bytes: Uint8Array.of(0xff) };
  const error = await rejection(createBridge("protobuf")(next)(thriftCall({ payload })));
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: "item.price at byte 0: broken", sent: false });
  expect(reached).toBe(false);
});

test("a bad reply is INTERNAL, and the error names the endpoint and what is wrong", async () => {
  const handle = createBridge("protobuf")((call) => {
    call.facts.endpoint = "127.0.0.1:9090";
    return Promise.resolve(resultOf(Uint8Array.of(0xff), { codec: "protobuf" }));
  });
  expect(await rejection(handle(thriftCall()))).toMatchObject({
    code: "INTERNAL",
    sent: true,
    message: "the reply from 127.0.0.1:9090 to shop.Inventory/get cannot be translated: item.price at byte 0: broken",
  });
});

test("a result that is missing tells a Thrift caller so by its TApplicationException", async () => {
  const missing = faultError(
    { code: FAULT_MISSING, at: undefined, value: 1n, path: "success", link: undefined },
    "to-thrift",
    LIMITS,
  );
  const layer = bridge(
    {
      codec: "protobuf",
      links: new Map([[thriftMethod, link]]),
      compile: (body) => (bytes) => {
        if (body === link.response) throw missing;
        return bytes;
      },
    },
    "drop",
  );
  const error = await rejection(layer(() => Promise.resolve(resultOf()))(thriftCall()));
  expect(error).toMatchObject({ code: "INTERNAL", cause: new ThriftFault(EXCEPTION_TYPE.MISSING_RESULT) });
});

test("a declared exception that is malformed is INTERNAL too", async () => {
  const reply = exceptionOf(protobufMethod.throws[0]!, Uint8Array.of(0xff), { codec: "protobuf" });
  expect(await rejection(createBridge("protobuf")(() => Promise.resolve(reply))(thriftCall()))).toMatchObject({
    code: "INTERNAL",
  });
});

test("an exception without a partner in the caller's IDL is INTERNAL", async () => {
  const reply = exceptionOf(messageField(9, "odd", gone.thrift), Uint8Array.of(1));
  expect(await rejection(createBridge("thrift-binary")(() => Promise.resolve(reply))(grpcCall()))).toMatchObject({
    code: "INTERNAL",
    message: expect.stringContaining("odd"),
  });
});

test("losses of request and reply are added up in the facts, and a call without any has none", async () => {
  const handle = createBridge("protobuf")(() => Promise.resolve(resultOf(Uint8Array.of(0xee), { codec: "protobuf" })));
  const payload = { type: thriftMethod.request, codec: "thrift-binary" as const, bytes: Uint8Array.of(1, 0xee, 0xee) };
  const lossy = thriftCall({ payload });
  await handle(lossy);
  expect(lossy.facts.losses).toEqual({ unknownFields: 3, duplicates: 0 });

  const lossless = thriftCall();
  await createBridge("protobuf")(() => Promise.resolve(resultOf(Uint8Array.of(1), { codec: "protobuf" })))(lossless);
  expect(lossless.facts.losses).toBeUndefined();
});

test("a oneway call is answered without looking at a reply: an empty message to gRPC, an empty struct to Thrift", async () => {
  const oneway: MethodLink = {
    ...link,
    thrift: methodOf("thrift", "shop.Inventory", "touch", { oneway: true }),
    protobuf: methodOf("protobuf", "shop.v1.Inventory", "Touch", { oneway: true }),
  };
  const toThrift = createBridge("thrift-binary", [oneway])(() => Promise.resolve(resultOf(Uint8Array.of())));
  expect((await toThrift(grpcCall({ method: oneway.protobuf }))).payload.bytes).toEqual(Uint8Array.of());
  const toProtobuf = createBridge("protobuf", [oneway])(() => Promise.resolve(resultOf(Uint8Array.of(0xff))));
  expect((await toProtobuf(thriftCall({ method: oneway.thrift }))).payload.bytes).toEqual(Uint8Array.of(0));
});

test("a method without a partner is UNIMPLEMENTED, and so is an opaque one", async () => {
  const handle = createBridge("protobuf", [])(() => Promise.resolve(resultOf()));
  expect(await rejection(handle(thriftCall()))).toMatchObject({
    code: "UNIMPLEMENTED",
    message: expect.stringContaining("causeway check"),
  });
  const opaque = methodOf("thrift", "other.S", "m", { request: undefined });
  expect(await rejection(handle(thriftCall({ method: opaque })))).toMatchObject({
    code: "UNIMPLEMENTED",
    message: expect.stringContaining("schema.files"),
  });
});

const jsonCall = (changes: Partial<Call> = {}) =>
  grpcCall({ payload: { type: protobufMethod.request, codec: "json", bytes: Buffer.from("{}") }, ...changes });

test.each([
  ["protobuf", protobufMethod],
  ["thrift-binary", thriftMethod],
] as const)("a JSON call goes to an upstream of %s, and the result comes back as JSON", async (codec, method) => {
  const seen: Call[] = [];
  const handle = createBridge(codec)((call) => {
    seen.push(call);
    return Promise.resolve(resultOf(Uint8Array.of(5), { codec }));
  });
  const reply = await handle(jsonCall());
  expect(seen[0]).toMatchObject({ method, payload: { type: method.request, codec } });
  expect(text(seen[0]!.payload.bytes)).toBe(`request json>${codec} 2`);
  expect(reply).toMatchObject({ kind: "result", payload: { type: protobufMethod.response, codec: "json" } });
  expect(text(reply.payload.bytes)).toBe(`response ${codec}>json 1`);
});

test("a JSON call of a Thrift method has the types of its Protobuf twin", async () => {
  const handle = createBridge("thrift-binary")(() => Promise.resolve(resultOf(Uint8Array.of(5))));
  const reply = await handle(jsonCall({ method: thriftMethod }));
  expect(reply.payload).toMatchObject({ type: protobufMethod.response, codec: "json" });
});

test("a JSON caller gets a Thrift exception as its protobuf message, and one that is protobuf as it came", async () => {
  const toThrift = createBridge("thrift-binary")(() =>
    Promise.resolve(exceptionOf(thriftMethod.throws[1]!, Uint8Array.of(1, 2, 3))),
  );
  const reply = await toThrift(jsonCall());
  expect(reply).toMatchObject({ kind: "exception", field: protobufMethod.throws[1], payload: { codec: "protobuf" } });
  expect(text(reply.payload.bytes)).toBe("late thrift-binary>protobuf 3");

  const thrown = exceptionOf(protobufMethod.throws[0]!, Uint8Array.of(1), { codec: "protobuf" });
  expect(await createBridge("protobuf")(() => Promise.resolve(thrown))(jsonCall())).toBe(thrown);
});

test("Thrift's JSON is translated for an upstream of the same wire too, exceptions included", async () => {
  const payload = { type: thriftMethod.request, codec: "thrift-json" as const, bytes: Buffer.from("{}") };
  const seen: Call[] = [];
  const handle = createBridge("thrift-binary")((call) => {
    seen.push(call);
    return Promise.resolve(exceptionOf(thriftMethod.throws[0]!, Uint8Array.of(1)));
  });
  const reply = await handle(thriftCall({ payload }));
  expect(seen[0]?.method).toBe(thriftMethod);
  expect(text(seen[0]!.payload.bytes)).toBe("request thrift-json>thrift-binary 2");
  expect(reply).toMatchObject({ kind: "exception", field: thriftMethod.throws[0] });
  expect(reply.payload).toMatchObject({ type: thriftMethod.response, codec: "thrift-json" });
});

test.each(["json", "thrift-json"] as const)("a oneway call of %s is answered with an empty object", async (codec) => {
  const oneway: MethodLink = { ...link, thrift: { ...thriftMethod, oneway: true } };
  const handle = createBridge("thrift-binary", [oneway])(() => Promise.resolve(resultOf(Uint8Array.of())));
  const payload = { type: thriftMethod.request, codec, bytes: Buffer.from("{}") };
  expect(text((await handle(thriftCall({ method: oneway.thrift, payload }))).payload.bytes)).toBe("{}");
});

test("where the response holds the exceptions too, an exception of a Thrift upstream is a gRPC caller's result", async () => {
  const oneofs: MethodLink = { ...link, exceptions: new Map(), oneof: true };
  const next: Handler = () => Promise.resolve(exceptionOf(messageField(1, "gone", gone.thrift), Uint8Array.of(1)));
  const reply = await createBridge("thrift-binary", [oneofs])(next)(grpcCall());
  expect(reply.kind).toBe("result");
  expect(text(reply.payload.bytes)).toMatch(/^response thrift-binary>protobuf /);
  // Whoever counts still sees what it is.
  expect(reply).toMatchObject({ exception: { name: "gone" } });
});

test("unknown fields are an error where the upstream wants none: the caller's in a request, the upstream's in a reply", async () => {
  const payload = { type: thriftMethod.request, codec: "thrift-binary", bytes: Uint8Array.of(1, 0xee, 0xee) } as const;
  const strict = createBridge("protobuf", [link], "error");
  const never: Handler = () => Promise.reject(new Error("not called"));
  expect(await rejection(strict(never)(thriftCall({ payload })))).toMatchObject({
    code: "INVALID_ARGUMENT",
    message:
      "message: 2 fields are not in the IDL, or of another type there; expected none, as unknownFields of the upstream is error",
  });
  const reply: Handler = () => Promise.resolve(resultOf(Uint8Array.of(0xee)));
  expect(await rejection(strict(reply)(thriftCall()))).toMatchObject({
    code: "INTERNAL",
    message: expect.stringContaining("cannot be translated: message: 1 field is not in the IDL"),
  });
  // Of the same wire nothing is translated, so nothing is left out.
  const same = createBridge("thrift-binary", [link], "error");
  expect((await same(() => Promise.resolve(resultOf()))(thriftCall({ payload }))).kind).toBe("result");
});
