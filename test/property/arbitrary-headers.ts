// Header lists and header blocks as fast-check makes them.
import fc from "fast-check";
import { HpackEncoder } from "../../src/protocol/http2/hpack-encoder.ts";

const KNOWN: readonly (readonly [name: string, value: string])[] = [
  [":method", "POST"],
  [":path", "/shop.Orders/Get"],
  [":status", "200"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["authorization", "Bearer abc"],
  ["accept-encoding", "gzip, deflate"],
  ["grpc-timeout", "1S"],
];

const name = fc.oneof(
  fc.constantFrom(...KNOWN.map(([known]) => known)),
  fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789-_."), minLength: 1, maxLength: 20 }),
);
/** Any character of a byte but the controls. */
const char = fc
  .oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
  .map((code) => String.fromCharCode(code));
const value = fc.string({ unit: char, maxLength: 200 });

const FORBIDDEN = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** A list that HTTP/2 can carry; many lists share fields. */
export const headerList: fc.Arbitrary<readonly string[]> = fc
  .array(fc.oneof(fc.constantFrom(...KNOWN), fc.tuple(name, value)), { maxLength: 12 })
  .map((fields) => fields.filter(([name]) => !FORBIDDEN.has(name)).flat());

/** A list to send, or a size of the dynamic table. */
export const connectionStep: fc.Arbitrary<readonly string[] | number> = fc.oneof(
  { arbitrary: headerList, weight: 5 },
  { arbitrary: fc.integer({ min: 0, max: 5_000 }), weight: 1 },
);

/** A good block with a byte changed, maybe. */
export const block: fc.Arbitrary<Uint8Array> = fc
  .tuple(headerList, fc.nat(), fc.option(fc.nat(255)))
  .map(([list, at, byte]) => {
    const encoder = new HpackEncoder();
    const length = encoder.encode(list, 1_000_000);
    const encoded = Buffer.from(encoder.block.subarray(0, length));
    if (byte !== null && length > 0) encoded[at % length] = byte;
    return encoded;
  });
