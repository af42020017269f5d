// One HTTP/2 connection (RFC 9113) as a state machine, for either side: bytes in, events and bytes out. Sockets, timers
// and what streams mean are its owner's.
import { ConnectionState, PING_PURPOSE } from "./connection-state.ts";
import { ERROR_CODE } from "./error-codes.ts";
import type { Http2Events } from "./events.ts";
import {
  DEFAULT_HEADER_TABLE_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  FRAME,
  LARGEST_STREAM_ID,
  PREFACE,
  SETTING,
} from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { type HeaderList, NO_FIELDS } from "./header-list.ts";
import { HTTP2_DEFAULTS, type Http2Options } from "./options.ts";
import { PeerFrames } from "./peer-frames.ts";
import type { Http2Stream } from "./stream.ts";
import type { Role } from "./stream-table.ts";

/** One side of a connection. Nothing here throws but what is said to. */
export interface Http2Connection<Context = unknown> {
  /**
   * Reads bytes of the peer, which must not change from now on: data is handed on as views of them. What is wrong with
   * them shows as events.
   */
  receive(chunk: Uint8Array): void;
  /**
   * The next bytes to write; undefined when there is nothing more for now. To be called once per turn of the event loop,
   * until undefined, and not while the socket has enough to write: then data waits here, and the peer's questions too.
   */
  takeOutput(): Buffer | undefined;
  /** The bytes that were taken last have been written: their memory may be used again. */
  reuseOutput(): void;
  /** Whether more waits to be taken than `maxOutputBytes`: then its owner should not `receive` until some is. */
  readonly isCongested: boolean;

  /** How much data of all streams waits for the peer's windows, in bytes. */
  readonly queuedBytes: number;

  /** Whether the peer has acknowledged our settings. */
  readonly isAcknowledged: boolean;
  /** Whether streams can still be opened here at all; a client that hears false needs another connection. */
  readonly isUsable: boolean;
  /** How many streams the peer lets us open now; a guess before its first settings. */
  readonly freeStreams: number;
  /** How many streams are open. */
  readonly openStreams: number;
  /**
   * As a client: opens a stream with a request's headers, behind them those of `changing`; undefined when none is free.
   * A list that is sent again, the same object, is not encoded again; what `changing` holds is, each time. Throws a
   * RpcError, INTERNAL for headers that HTTP/2 cannot carry, RESOURCE_EXHAUSTED for more of them than the peer takes.
   */
  openStream(
    headers: HeaderList,
    endStream: boolean,
    context: Context,
    changing?: HeaderList,
  ): Http2Stream<Context> | undefined;
  /**
   * Sends a list behind what was sent before: a response's headers, or trailers with `endStream`. Throws as openStream; a
   * stream that is closed takes anything.
   */
  sendHeaders(stream: Http2Stream<Context>, headers: HeaderList, endStream: boolean): void;
  /**
   * Sends data, which must not change until it is written; what the peer's windows have no room for is queued. Returns
   * false when some is: `onDrain` tells when it is gone, and until then the owner should not send more.
   */
  sendData(stream: Http2Stream<Context>, data: Uint8Array, endStream: boolean): boolean;
  /** Ends a stream early with an error code of ERROR_CODE. No event but onClose comes for it any more. */
  resetStream(stream: Http2Stream<Context>, code: number): void;
  /** Gives the peer room for `bytes` more of data on the stream: as many as the consumer has taken. */
  consume(stream: Http2Stream<Context>, bytes: number): void;

  /** Asks the peer for a sign of life; returns the number that onPong will have. */
  ping(): number;
  /**
   * Says goodbye in two steps, so that no call is lost: the peer opens no more streams, those that are open or on their
   * way go on, then `onFinished`.
   */
  shutDown(): void;
  /** Says goodbye for a reason; the streams that are open go on. */
  goAway(code: number, debug: string): void;
  /** The transport has ended: resets what is open, without output. */
  transportEnded(): void;
}

/** A connection of the given role. A client's first bytes can be taken at once. */
export function createHttp2Connection<Context>(
  role: Role,
  options: Partial<Http2Options> & Pick<Http2Options, "nowMs">,
  events: Http2Events<Context>,
): Http2Connection<Context> {
  return new Connection(new ConnectionState<Context>(role, { ...HTTP2_DEFAULTS, ...options }, events));
}

/** A class, because a connection that is idle should weigh little: thousands are. */
class Connection<Context> implements Http2Connection<Context> {
  readonly #state: ConnectionState<Context>;
  readonly #reader: FrameReader;
  #pings = 0;

  constructor(state: ConnectionState<Context>) {
    this.#state = state;
    this.#reader = new FrameReader(new PeerFrames(state), state.options.maxFrameBytes, state.role === "server");
    writeBeginning(state);
  }

  receive(chunk: Uint8Array): void {
    const state = this.#state;
    if (state.dead) return;
    try {
      this.#reader.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    } catch (error) {
      this.#reader.stopped = true;
      state.fail(error);
    }
    state.announceOutput();
  }

  takeOutput(): Buffer | undefined {
    return this.#state.takeOutput();
  }

  reuseOutput(): void {
    this.#state.output.reuse();
  }

  get queuedBytes(): number {
    return this.#state.sender.queuedBytes;
  }

  get isCongested(): boolean {
    return this.#state.output.length >= this.#state.options.maxOutputBytes;
  }

  get isAcknowledged(): boolean {
    return this.#state.settingsAcked;
  }

  get isUsable(): boolean {
    const { role, dead, peerIsLeaving, shuttingDown, streams } = this.#state;
    return role === "client" && !dead && !peerIsLeaving && !shuttingDown && streams.nextOwnId <= LARGEST_STREAM_ID;
  }

  get freeStreams(): number {
    const { peer, streams } = this.#state;
    return this.isUsable ? Math.max(0, peer.maxConcurrentStreams - streams.size) : 0;
  }

  get openStreams(): number {
    return this.#state.streams.size;
  }

  openStream(
    headers: HeaderList,
    endStream: boolean,
    context: Context,
    changing: HeaderList = NO_FIELDS,
  ): Http2Stream<Context> | undefined {
    if (this.freeStreams === 0) return undefined;
    const { streams, sender } = this.#state;
    const id = streams.nextOwnId;
    sender.block(id, headers, endStream, changing);
    streams.nextOwnId += 2;
    const stream = this.#state.newStream(id);
    stream.context = context;
    stream.localEnded = endStream;
    this.#sent();
    return stream;
  }

  sendHeaders(stream: Http2Stream<Context>, headers: HeaderList, endStream: boolean): void {
    if (stream.closed || stream.localEnded || stream.endQueued) return;
    this.#state.sender.headers(stream, headers, endStream);
    this.#sent();
  }

  sendData(stream: Http2Stream<Context>, data: Uint8Array, endStream: boolean): boolean {
    if (stream.closed || stream.localEnded || stream.endQueued) return true;
    const isWritten = this.#state.sender.data(stream, data, endStream);
    this.#sent();
    return isWritten;
  }

  /** Headers or data are on their way: to a peer that is sent something PINGs are free. */
  #sent(): void {
    this.#state.budgets.pings.refill();
    this.#state.announceOutput();
  }

  resetStream(stream: Http2Stream<Context>, code: number): void {
    if (stream.closed) return;
    this.#state.reset(stream, code);
    this.#state.announceOutput();
  }

  consume(stream: Http2Stream<Context>, bytes: number): void {
    if (this.#state.dead) return;
    this.#state.windows.consume(stream, bytes);
    this.#state.announceOutput();
  }

  ping(): number {
    this.#pings = (this.#pings + 1) >>> 0;
    if (!this.#state.dead) this.#state.ping(PING_PURPOSE.OWNER, this.#pings);
    this.#state.announceOutput();
    return this.#pings;
  }

  shutDown(): void {
    const state = this.#state;
    if (state.dead || state.shuttingDown) return;
    state.shuttingDown = true;
    if (state.role === "client") {
      // A server opens no streams: there is nothing to wait for.
      state.acceptUpTo = 0;
      state.goAway(0, ERROR_CODE.NO_ERROR, "");
      state.finishIfDone();
    } else {
      state.goAway(LARGEST_STREAM_ID, ERROR_CODE.NO_ERROR, "");
      state.ping(PING_PURPOSE.SHUTDOWN, 0);
    }
    state.announceOutput();
  }

  goAway(code: number, debug: string): void {
    const state = this.#state;
    if (state.dead) return;
    state.acceptUpTo = Math.min(state.acceptUpTo, state.streams.lastPeerId);
    state.goAway(state.acceptUpTo, code, debug);
    state.announceOutput();
  }

  transportEnded(): void {
    if (this.#state.dead) return;
    this.#reader.stopped = true;
    this.#state.endAll({ code: ERROR_CODE.CANCEL, by: "connection", processed: true });
  }
}

/** The preface, our settings as far as they are not the initial ones, and the connection's window. */
function writeBeginning<Context>({ role, options, output, windows }: ConnectionState<Context>): void {
  if (role === "client") output.bytes(PREFACE, 0, PREFACE.length);
  const settings: [id: number, value: number, initial: number | undefined][] = [
    [SETTING.HEADER_TABLE_SIZE, options.headerTableBytes, DEFAULT_HEADER_TABLE_BYTES],
    role === "client"
      ? [SETTING.ENABLE_PUSH, 0, undefined]
      : [SETTING.MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams, undefined],
    [SETTING.INITIAL_WINDOW_SIZE, options.streamWindowBytes, DEFAULT_WINDOW_BYTES],
    [SETTING.MAX_FRAME_SIZE, options.maxFrameBytes, DEFAULT_MAX_FRAME_BYTES],
    [SETTING.MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes, undefined],
  ];
  const said = settings.filter(([, value, initial]) => value !== initial);
  output.frame(6 * said.length, FRAME.SETTINGS, 0, 0);
  for (const [id, value] of said) {
    output.uint16(id);
    output.uint32(value);
  }
  windows.open();
}
