// What stands around a message, taken off and put on: one place for every framing.
import { RpcError } from "../../base/errors.ts";
import { EXCEPTION_TYPE, ThriftFault } from "./codes.ts";
import type { Dialect, Envelope, Framing } from "./dialect.ts";
import {
  FIXED_BYTES,
  type FrameHead,
  frameSequenceId,
  type HeaderFrame,
  headerKind,
  headersEnd,
  NOTHING_NUMBERED,
  OUT_OF_ORDER_FLAG,
} from "./header-frame.ts";
import { CANCEL_PAIRS, KITEX_RESET_PAIRS, PING_PAIRS, RESET_PAIRS, readSignal, type Signal } from "./header-keys.ts";
import { asBuffer, MESSAGE, type MessageHeader, writeMessage } from "./message.ts";
import { readTHeader, writeTHeader } from "./theader.ts";
import { encodeHeaders, type FrameStart, readTTHeader, writeEncoded, writeTTHeader } from "./ttheader.ts";

/** A message without what stood around it. */
export type Dressed =
  | {
      readonly framing: "framed" | "unframed";
      readonly frame?: undefined;
      readonly zlib: false;
      readonly payload: Uint8Array;
    }
  | {
      readonly framing: "theader" | "ttheader";
      readonly frame: HeaderFrame;
      readonly zlib: boolean;
      readonly payload: Uint8Array;
    };

/** What a call wore on the wire, and its reply has to wear again. */
export interface Dress extends Dialect {
  /** The bare method, without the service of a multiplexed name. */
  readonly name: string;
  /** The message's own. */
  readonly sequenceId: number;
  /** Whether the caller waits for a message. */
  readonly answered: boolean;
  /** The sequence id of the frame, where the framing has one; the reply has it too. */
  readonly frameId: number;
  readonly flags: number;
  readonly zlib: boolean;
  /** Whether the caller speaks Causeway's profile. */
  readonly profile: boolean;
}

/** Whether a caller matches the replies on its connection by id but does not speak Causeway's profile, as Kitex does. */
export function isKitexMux({ framing, flags, profile }: Dress): boolean {
  return framing === "ttheader" && !profile && (flags & OUT_OF_ORDER_FLAG) !== 0;
}

/** Whether the reply has to wait for those to earlier calls: the caller matches them by order, as far as is known. */
export function isOrdered({ framing, flags }: Dress): boolean {
  return framing !== "ttheader" && (framing !== "theader" || (flags & OUT_OF_ORDER_FLAG) === 0);
}

/** Protocol ids of payloads: TTHeader's 3 and 4 are Kitex-Protobuf's in some versions, and its 0 may be that too. */
const PROTOCOL_ID = { BINARY: 0, COMPACT: 2 } as const;
const PROTOCOL_IDS = { theader: new Set([0, 2]), ttheader: new Set([0, 2, 3, 4]) };

/**
 * Takes off what stands around a message, which comes without the length of its frame. A frame without headers among
 * those with them is one of a peer that could not read them. Throws a RpcError when the headers are malformed or ask for what is not served.
 */
export function undress(message: Uint8Array, framing: Framing, maxFrameBytes: number): Dressed {
  if (framing === "unframed" || framing === "framed") return { framing, zlib: false, payload: message };
  const kind = headerKind(message);
  if (kind === undefined) return { framing: "framed", zlib: false, payload: message };
  const frame = kind === "theader" ? readTHeader(message, maxFrameBytes) : readTTHeader(message);
  if (!PROTOCOL_IDS[kind].has(frame.protocolId)) {
    throw new RpcError(
      "UNIMPLEMENTED",
      `the protocol id ${frame.protocolId} is not served: expected ${[...PROTOCOL_IDS[kind]].join(", ")}`,
      { cause: new ThriftFault(EXCEPTION_TYPE.INVALID_PROTOCOL) },
    );
  }
  const payload = kind === "theader" ? frame.payload : withoutInnerLength(frame.payload);
  return { framing: kind, frame, zlib: frame.zlib, payload };
}

/** Kitex may put a framed message inside: its length is told from a message by the high byte. */
function withoutInnerLength(payload: Uint8Array): Uint8Array {
  if (payload.length < 4 || payload[0]! >= 0x80) return payload;
  const length = asBuffer(payload).readUInt32BE(0);
  if (length !== payload.length - 4) {
    throw new RpcError(
      "INVALID_ARGUMENT",
      `the frame inside says ${length} bytes: expected ${payload.length - 4}, as many as there are`,
    );
  }
  return payload.subarray(4);
}

/** What the headers of a message shall say. */
export type MessageHead = Omit<FrameHead, "protocolId" | "numbered"> & Partial<Pick<FrameHead, "numbered">>;

/** One message in its framing; `head` is there for the framings with headers, `zlib` is for THeader alone. */
export function dressMessage(
  framing: Framing,
  head: MessageHead | undefined,
  message: MessageHeader,
  body: Uint8Array,
): Uint8Array {
  if (framing === "unframed") return writeMessage(message, 0, body);
  if (framing === "framed" || head === undefined) return withLength(writeMessage(message, 4, body), 0);
  const frameHead: FrameHead = { numbered: NOTHING_NUMBERED, ...head, protocolId: protocolIdOf(message.envelope) };
  if (framing === "theader") return writeTHeader(frameHead, (room) => writeMessage(message, room, body));
  return dressEncoded(frameHead, encodeHeaders(frameHead), message, body);
}

/** One message on TTHeader, behind headers that `encodeHeaders` wrote for its protocol id. */
export function dressEncoded(
  start: FrameStart,
  headers: Uint8Array,
  message: MessageHeader,
  body: Uint8Array,
): Uint8Array {
  // Kitex reads Thrift bare, and Protobuf in a frame of its own only.
  return message.envelope === "kitex-protobuf"
    ? writeEncoded(start, headers, (room) => withLength(writeMessage(message, room + 4, body), room))
    : writeEncoded(start, headers, (room) => writeMessage(message, room, body));
}

/** The protocol id of a frame that holds a message of the envelope. */
export function protocolIdOf(envelope: Envelope): number {
  return envelope === "compact" ? PROTOCOL_ID.COMPACT : PROTOCOL_ID.BINARY;
}

/** Fills in at `at` how many bytes follow. */
function withLength(out: Buffer, at: number): Buffer {
  out.writeUInt32BE(out.length - at - 4, at);
  return out;
}

/** What a frame without payload is: its signal, undefined for one that is unknown. */
export interface SignalFrame {
  readonly sequenceId: number;
  readonly signal: Signal | undefined;
}

/**
 * A TTHeader frame that ends with its headers, or by which Kitex says that the connection takes no further calls: an empty
 * reply to sequence id 0. Undefined for every other. Throws a RpcError when it is malformed.
 */
export function readSignalFrame(message: Uint8Array): SignalFrame | undefined {
  if (message.length < FIXED_BYTES || headerKind(message) !== "ttheader") return undefined;
  const isBare = ((message[8]! << 8) | message[9]!) * 4 + FIXED_BYTES === message.length;
  if (!isBare && frameSequenceId(message) !== 0) return undefined;
  headersEnd(message);
  const frame = readTTHeader(message);
  const signal = readSignal(frame);
  if (!isBare && signal !== "reset") return undefined;
  return { sequenceId: frame.sequenceId, signal };
}

/** The frame that cancels the call of a sequence id; only for peers that have shown Causeway's profile. */
export function writeCancel(sequenceId: number): Uint8Array {
  return writeSignal(sequenceId, CANCEL_PAIRS);
}

/** The frame by which a sidecar says that a connection takes no further calls: its peer ends it when it has its replies. */
export function writeReset(): Uint8Array {
  return writeSignal(0, RESET_PAIRS);
}

/** Kitex calls the method so of messages that are about a connection. */
const KITEX_CONTROL: MessageHeader = { envelope: "strict", name: "none", type: MESSAGE.REPLY, sequenceId: 0 };

/** What a Kitex client with many calls on a connection is told in place of `writeReset`: it reads no frame without a message. */
export function writeKitexReset(): Uint8Array {
  const head = { flags: 0, sequenceId: 0, zlib: false, pairs: KITEX_RESET_PAIRS };
  return dressMessage("ttheader", head, KITEX_CONTROL, new Uint8Array(1));
}

/** The frame that says, on a connection without calls, that it is still wanted; nobody answers it. */
export function writePing(): Uint8Array {
  return writeSignal(0, PING_PAIRS);
}

function writeSignal(sequenceId: number, pairs: readonly string[]): Uint8Array {
  const head = {
    flags: 0,
    sequenceId,
    zlib: false,
    pairs,
    numbered: NOTHING_NUMBERED,
    protocolId: PROTOCOL_ID.BINARY,
  };
  return writeTTHeader(head, (room) => Buffer.allocUnsafe(room));
}
