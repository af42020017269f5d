// The two npm libraries as one translation, one decoding what the other encodes.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import protobufjs from "protobufjs";
import { type BenchCase, generatedClass, type ThriftStruct } from "./codec-cases.ts";

export type Translate = (bytes: Uint8Array) => Uint8Array;
export type ThriftCodec = "thrift-binary" | "thrift-compact";

export interface Libraries {
  encodeThrift(value: object): Buffer;
  readonly toProtobuf: Translate;
  readonly toThrift: Translate;
}

/** The library interfaces that are used here; their own types leave these out or differ. */
interface BufferedTransport {
  inBuf: Buffer;
  readCursor: number;
  writeCursor: number;
}

type Protocol = new (transport: BufferedTransport) => { flush(): void };

interface ThriftLibrary {
  TBufferedTransport: new (buffer?: Buffer, flushed?: (bytes: Buffer) => void) => BufferedTransport;
  TBinaryProtocol: Protocol;
  TCompactProtocol: Protocol;
  Int64: new (high: number, low: number) => object;
}

interface ThriftInt64 {
  readonly buffer: Buffer;
  readonly offset: number;
}

/** What translates as a program would that has only the two libraries: decode, carry 64-bit integers over, encode. */
export function createLibraries(type: BenchCase["type"], codec: ThriftCodec): Libraries {
  const thrift: ThriftLibrary = createRequire(import.meta.url)("thrift");
  const Struct = generatedClass(type);
  const Protocol = codec === "thrift-binary" ? thrift.TBinaryProtocol : thrift.TCompactProtocol;
  const proto = new protobufjs.Root()
    .loadSync(fileURLToPath(new URL("idl/orders.proto", import.meta.url)), { keepCase: true })
    .lookupType(`bench.orders.${type}`);

  // One transport and protocol each for all messages: faster than what servers do, which make one per message.
  let written: Buffer = Buffer.alloc(0);
  const output = new Protocol(
    new thrift.TBufferedTransport(undefined, (bytes) => {
      written = bytes;
    }),
  );
  const transport = new thrift.TBufferedTransport();
  const input = new Protocol(transport);

  const encodeThrift = (value: object): Buffer => {
    new Struct(value).write(output);
    output.flush();
    return written;
  };
  return {
    encodeThrift,
    toProtobuf(bytes) {
      transport.inBuf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      transport.readCursor = 0;
      transport.writeCursor = bytes.length;
      const struct = new Struct();
      struct.read(input);
      convertIntegers(struct, type, (value) => {
        const { buffer, offset } = value as ThriftInt64;
        return { low: buffer.readInt32BE(offset + 4), high: buffer.readInt32BE(offset), unsigned: false };
      });
      return proto.encode(struct).finish();
    },
    toThrift(bytes) {
      const message = proto.decode(bytes) as unknown as ThriftStruct;
      convertIntegers(message, type, (value) => {
        const { high, low } = value as { high: number; low: number };
        return new thrift.Int64(high, low);
      });
      return encodeThrift(message);
    },
  };
}

const INT64_FIELDS = {
  Order: ["id", "placed_at", "total"],
  Item: ["price"],
  Samples: ["total"],
  Tiny: ["id"],
  Chain: [],
  Texts: [],
  Counts: [],
} as const;

/** In place: each library has a class of its own for 64-bit integers. */
function convertIntegers(struct: ThriftStruct, type: BenchCase["type"], convert: (value: unknown) => unknown): void {
  for (const field of INT64_FIELDS[type]) struct[field] = convert(struct[field]);
  if (type === "Order") for (const item of struct["items"] as ThriftStruct[]) convertIntegers(item, "Item", convert);
  if (type === "Samples") struct["times"] = (struct["times"] as unknown[]).map(convert);
}
