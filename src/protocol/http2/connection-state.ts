// What the two halves of a connection share: its streams, windows, limits and output, and how streams and the connection
// end. What comes from the peer is read in peer-frames.ts, what the owner wants is done in connection.ts.
import { type Code, RpcError } from "../../base/errors.ts";
import { Budget } from "./budget.ts";
import { ConnectionFault, ERROR_CODE, nameOfErrorCode } from "./error-codes.ts";
import type { Http2Events, StreamReset } from "./events.ts";
import { DEFAULT_WINDOW_BYTES, FRAME, LARGEST_STREAM_ID } from "./frame.ts";
import type { Http2Options } from "./options.ts";
import { Output } from "./output.ts";
import { ReceiveWindows } from "./receive-windows.ts";
import { Sender } from "./sender.ts";
import { initialPeerSettings, type PeerSettings } from "./settings.ts";
import { Http2Stream } from "./stream.ts";
import { type Role, StreamTable } from "./stream-table.ts";

/** What our PINGs are for, in the first half of their payload; the second half is a number. */
export const PING_PURPOSE = { OWNER: 0x63770001, BANDWIDTH: 0x63770002, SHUTDOWN: 0x63770003 } as const;

/** The budgets of a peer. */
export interface Budgets {
  readonly resets: Budget;
  readonly pings: Budget;
  readonly settings: Budget;
  readonly idleFrames: Budget;
}

/** One connection's state. */
export class ConnectionState<Context> {
  readonly role: Role;
  readonly options: Http2Options;
  readonly events: Http2Events<Context>;
  readonly output = new Output();
  readonly peer: PeerSettings = initialPeerSettings();
  readonly budgets: Budgets;
  readonly streams: StreamTable<Context>;
  readonly windows: ReceiveWindows;
  readonly sender: Sender<Context>;
  /** What the peer may send on a new stream, as far as it may know. */
  initialReceiveWindow: number;
  /** Answers to PING and SETTINGS in the output. */
  queuedAcks = 0;
  /** Streams of the peer above this one are not looked at. */
  acceptUpTo: number = LARGEST_STREAM_ID;
  shuttingDown = false;
  /** The peer has acknowledged our settings. */
  settingsAcked = false;
  /** The peer has said GOAWAY. */
  peerIsLeaving = false;
  /** Nothing is read or sent any more. */
  dead = false;
  #outputAnnounced = false;

  constructor(role: Role, options: Http2Options, events: Http2Events<Context>) {
    this.role = role;
    this.options = options;
    this.events = events;
    const { nowMs } = options;
    this.budgets = {
      resets: new Budget(options.resets, nowMs, "too many streams were reset"),
      // What gRPC's own libraries say, and understand.
      pings: new Budget(options.pings, nowMs, "too_many_pings"),
      settings: new Budget(options.settings, nowMs, "too many SETTINGS frames"),
      idleFrames: new Budget(options.idleFrames, nowMs, "too many frames that bring no call further"),
    };
    this.streams = new StreamTable(role);
    this.initialReceiveWindow = Math.max(options.streamWindowBytes, DEFAULT_WINDOW_BYTES);
    const { idleFrames } = this.budgets;
    this.windows = new ReceiveWindows(options, this.output, idleFrames, () => this.ping(PING_PURPOSE.BANDWIDTH, 0));
    this.sender = new Sender<Context>(this.output, this.peer, idleFrames, options.maxOutputBytes, {
      onLocalEnd: (stream) => this.closeIfEnded(stream),
      onDrain: (stream) => events.onDrain(stream),
      onUnsendable: (stream) => this.refuse(stream, ERROR_CODE.INTERNAL_ERROR),
    });
  }

  newStream(id: number): Http2Stream<Context> {
    const { streamWindowBytes } = this.options;
    const stream = new Http2Stream<Context>(
      id,
      this.initialReceiveWindow,
      streamWindowBytes,
      this.peer.initialWindowBytes,
    );
    this.streams.add(stream);
    return stream;
  }

  /** Tells the owner, once, that there is something to take. */
  announceOutput(): void {
    if (this.#outputAnnounced || (this.output.length === 0 && !this.sender.hasWaiting)) return;
    this.#outputAnnounced = true;
    this.events.onOutput();
  }

  /** The next bytes for the peer; undefined when there is nothing more. */
  takeOutput(): Buffer | undefined {
    if (this.sender.hasWaiting && !this.dead) this.pump();
    const bytes = this.output.take();
    if (bytes === undefined) {
      this.#outputAnnounced = false;
      this.queuedAcks = 0;
    }
    return bytes;
  }

  /** Sends what waits as far as it may be sent. To a peer that takes data PINGs are free, as with gRPC's servers. */
  pump(): void {
    const before = this.output.length;
    this.sender.pump();
    if (this.output.length > before) this.budgets.pings.refill();
  }

  ping(purpose: number, number: number): void {
    this.output.frame(8, FRAME.PING, 0, 0);
    this.output.uint32(purpose);
    this.output.uint32(number);
  }

  /** Throws a ConnectionFault when answers pile up because the peer does not read them. */
  countAck(): void {
    if (++this.queuedAcks <= this.options.maxQueuedAcks) return;
    throw new ConnectionFault(ERROR_CODE.ENHANCE_YOUR_CALM, "answers to PING and SETTINGS are not read");
  }

  /** Forgets a stream that both sides have ended. */
  closeIfEnded(stream: Http2Stream<Context>): void {
    if (!stream.localEnded || !stream.remoteEnded || stream.closed) return;
    this.budgets.resets.earn(1);
    this.#close(stream);
  }

  #close(stream: Http2Stream<Context>): void {
    stream.closed = true;
    this.streams.remove(stream);
    this.events.onClose(stream);
    this.finishIfDone();
  }

  finishIfDone(): void {
    if (this.shuttingDown && !this.dead && this.acceptUpTo < LARGEST_STREAM_ID && this.streams.size === 0) {
      this.events.onFinished();
    }
  }

  /** Ends a stream at once, without a word to the peer or the owner. */
  #cut(stream: Http2Stream<Context>): void {
    stream.closed = true;
    this.streams.remove(stream);
    this.sender.drop(stream);
    this.windows.release(stream);
  }

  #writeReset(streamId: number, code: number): void {
    this.streams.rememberReset(streamId);
    this.output.frame(4, FRAME.RST_STREAM, 0, streamId);
    this.output.uint32(code);
  }

  /** The owner has no more use for a stream. */
  reset(stream: Http2Stream<Context>, code: number): void {
    this.#cut(stream);
    this.#writeReset(stream.id, code);
    this.events.onClose(stream);
    this.finishIfDone();
  }

  /** A stream error (RFC 9113 section 5.4.2) on a stream, if it is open. */
  refuse(stream: Http2Stream<Context>, code: number): void {
    if (stream.closed) return;
    this.#cut(stream);
    this.#writeReset(stream.id, code);
    this.#ended(stream, { code, by: "fault", processed: true });
  }

  /** A stream of the peer ends before its time. A client's server can end only what was opened here. */
  countReset(): void {
    if (this.role === "server") this.budgets.resets.spend();
  }

  /** A stream error that the peer made. */
  streamFault(streamId: number, code: number): void {
    this.countReset();
    const stream = this.streams.get(streamId);
    if (stream) this.refuse(stream, code);
    else this.#writeReset(streamId, code);
  }

  /** The peer has ended a stream. */
  endByPeer(stream: Http2Stream<Context>, reset: StreamReset): void {
    this.#cut(stream);
    this.#ended(stream, reset);
  }

  #ended(stream: Http2Stream<Context>, reset: StreamReset): void {
    this.events.onReset(stream, reset);
    this.events.onClose(stream);
    this.finishIfDone();
  }

  goAway(lastStreamId: number, code: number, debug: string): void {
    const text = Buffer.from(debug.slice(0, 200), "latin1");
    this.output.frame(8 + text.length, FRAME.GOAWAY, 0, 0);
    this.output.uint32(lastStreamId);
    this.output.uint32(code);
    this.output.bytes(text, 0, text.length);
  }

  /** A connection error: says goodbye, ends all streams, and reads no further. */
  fail(thrown: unknown): void {
    if (this.dead) return;
    const code = thrown instanceof ConnectionFault ? thrown.errorCode : ERROR_CODE.INTERNAL_ERROR;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    this.goAway(
      Math.min(this.streams.lastPeerId, this.acceptUpTo),
      code,
      thrown instanceof ConnectionFault ? message : "",
    );
    const error = new RpcError(codeOfFault(code), `HTTP/2 ${nameOfErrorCode(code)}: ${message}`, { cause: thrown });
    this.endAll({ code, by: "connection", processed: true, failure: error });
    this.events.onFailed(error);
    this.announceOutput();
  }

  /** Ends all streams because the connection has ended. */
  endAll(reset: StreamReset): void {
    this.dead = true;
    const open = this.streams.all();
    for (const stream of open) this.#cut(stream);
    for (const stream of open) this.#ended(stream, reset);
  }
}

function codeOfFault(errorCode: number): Code {
  return errorCode === ERROR_CODE.ENHANCE_YOUR_CALM ? "RESOURCE_EXHAUSTED" : "INTERNAL";
}
