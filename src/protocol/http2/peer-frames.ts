// What the peer's frames do to a connection (RFC 9113 section 6), and what it must not send.

import type { ConnectionState } from "./connection-state.ts";
import { PING_PURPOSE } from "./connection-state.ts";
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import { FLAG, FRAME, LARGEST_STREAM_ID, readUint31, readUint32 } from "./frame.ts";
import type { FrameHandler } from "./frame-reader.ts";
import { HeaderBlocks } from "./header-blocks.ts";
import type { HeaderBlock } from "./header-list.ts";
import { faultOfRequest, faultOfResponse, faultOfTrailers, isInformational } from "./message-rules.ts";
import { readSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

/** DATA frames below this bring a call hardly further: they hold not even an empty message of gRPC. */
const TINY_BYTES = 5;

/** Handles the frames of one connection's peer. */
export class PeerFrames<Context> implements FrameHandler {
  readonly #state: ConnectionState<Context>;
  readonly #blocks: HeaderBlocks;
  #hasSettings = false;
  /** The stream whose DATA is being read; undefined when it is for nobody. */
  #dataStream: Http2Stream<Context> | undefined;
  #dataEnds = false;

  constructor(state: ConnectionState<Context>) {
    this.#state = state;
    this.#blocks = new HeaderBlocks(state.options);
  }

  onFrameHead(type: number, flags: number, streamId: number, length: number): boolean {
    if (!this.#hasSettings && (type !== FRAME.SETTINGS || flags & FLAG.ACK)) {
      throw protocolError("the connection does not begin with SETTINGS");
    }
    this.#blocks.check(type, streamId, length);
    switch (type) {
      case FRAME.DATA:
        if (streamId === 0) throw protocolError("DATA on stream 0");
        this.#beginData(flags, streamId, length);
        return true;
      case FRAME.HEADERS:
      case FRAME.CONTINUATION:
        if (streamId === 0) throw protocolError("headers on stream 0");
        return true;
      case FRAME.PRIORITY:
        if (streamId === 0) throw protocolError("PRIORITY on stream 0");
        this.#state.budgets.idleFrames.spend();
        if (length !== 5) throw new ConnectionFault(ERROR_CODE.FRAME_SIZE_ERROR, `PRIORITY of ${length} bytes`);
        return false;
      case FRAME.RST_STREAM:
      case FRAME.WINDOW_UPDATE:
        expectLength(type, length, 4);
        return true;
      case FRAME.SETTINGS:
        if (streamId !== 0) throw protocolError("SETTINGS on a stream");
        if (flags & FLAG.ACK) expectLength(type, length, 0);
        return true;
      case FRAME.PING:
        if (streamId !== 0) throw protocolError("PING on a stream");
        expectLength(type, length, 8);
        return true;
      case FRAME.GOAWAY:
        if (streamId !== 0) throw protocolError("GOAWAY on a stream");
        if (length < 8) throw new ConnectionFault(ERROR_CODE.FRAME_SIZE_ERROR, `GOAWAY of ${length} bytes`);
        this.#state.budgets.idleFrames.spend();
        return true;
      case FRAME.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE, which was not allowed");
      default:
        this.#state.budgets.idleFrames.spend();
        return false;
    }
  }

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FRAME.HEADERS:
        this.#onBlock(streamId, this.#blocks.headers(flags, streamId, bytes, start, end));
        break;
      case FRAME.CONTINUATION:
        this.#onBlock(streamId, this.#blocks.continuation(flags, bytes, start, end));
        break;
      case FRAME.RST_STREAM:
        this.#onReset(streamId, readUint32(bytes, start));
        break;
      case FRAME.WINDOW_UPDATE:
        this.#onWindowUpdate(streamId, readUint31(bytes, start));
        break;
      case FRAME.SETTINGS:
        if (flags & FLAG.ACK) this.#onSettingsAck();
        else this.#onSettings(bytes, start, end);
        break;
      case FRAME.PING:
        if (flags & FLAG.ACK) this.#onPong(readUint32(bytes, start), readUint32(bytes, start + 4));
        else this.#onPing(bytes, start, end);
        break;
      case FRAME.GOAWAY:
        this.#onGoAway(
          readUint31(bytes, start),
          readUint32(bytes, start + 4),
          bytes.toString("latin1", start + 8, Math.min(end, start + 264)),
        );
        break;
      default:
    }
  }

  #beginData(flags: number, streamId: number, length: number): void {
    const { streams, windows, budgets } = this.#state;
    windows.receive(length);
    this.#dataEnds = (flags & FLAG.END_STREAM) !== 0;
    if (length < TINY_BYTES && !this.#dataEnds) budgets.idleFrames.spend();
    const stream = streams.get(streamId);
    this.#dataStream = stream;
    if (stream === undefined) {
      if (streams.isIdle(streamId)) throw protocolError("DATA on a stream that is not open");
      this.#onLateFrame(streamId);
      windows.discard(length);
      return;
    }
    stream.unconsumed += length;
    stream.receiveWindow -= length;
    const code = codeOfBadData(stream, length);
    if (code === undefined) return;
    this.#dataStream = undefined;
    this.#state.streamFault(streamId, code);
  }

  /** A frame on a stream that has ended. */
  #onLateFrame(streamId: number): void {
    const { streams, budgets, acceptUpTo } = this.#state;
    const isUnwanted = streams.isOpenedByPeer(streamId) && streamId > acceptUpTo;
    if (!isUnwanted && !streams.mayBeLate(streamId)) {
      throw new ConnectionFault(ERROR_CODE.STREAM_CLOSED, `a frame on stream ${streamId}, which has ended`);
    }
    budgets.idleFrames.spend();
  }

  onPadding(count: number): void {
    if (this.#dataStream) this.#state.windows.consume(this.#dataStream, count);
  }

  onDataPiece(bytes: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#dataStream;
    // Its owner may have reset it since the frame began.
    if (stream === undefined || stream.closed) return;
    const ends = last && this.#dataEnds;
    if (start === end && !ends) return;
    if (stream.contentLeft >= 0) {
      stream.contentLeft -= end - start;
      if (stream.contentLeft < 0 || (ends && stream.contentLeft > 0)) {
        this.#state.streamFault(stream.id, ERROR_CODE.PROTOCOL_ERROR);
        return;
      }
    }
    if (ends) stream.remoteEnded = true;
    this.#state.events.onData(stream, start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), ends);
    if (ends) this.#state.closeIfEnded(stream);
  }

  #onBlock(streamId: number, block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const stream = this.#state.streams.get(streamId);
    if (stream?.hasHeaders) this.#onTrailers(stream, block);
    else if (stream) this.#onResponse(stream, block);
    else if (this.#state.streams.isIdle(streamId)) this.#onRequest(streamId, block);
    else this.#onLateFrame(streamId);
  }

  #onRequest(streamId: number, block: HeaderBlock): void {
    const { streams, options, acceptUpTo, events, budgets } = this.#state;
    if (!streams.isOpenedByPeer(streamId) || this.#state.role === "client") {
      throw protocolError(`headers on stream ${streamId}, which the peer may not open`);
    }
    streams.lastPeerId = streamId;
    if (streamId > acceptUpTo) return;
    const { endStream } = this.#blocks;
    const code =
      streams.size >= options.maxConcurrentStreams
        ? ERROR_CODE.REFUSED_STREAM
        : codeOfBadBlock(block, faultOfRequest(block, endStream));
    if (code !== undefined) {
      this.#state.streamFault(streamId, code);
      return;
    }
    budgets.idleFrames.earn(4);
    const stream = this.#state.newStream(streamId);
    this.#accept(stream, block, endStream);
    events.onHeaders(stream, block.list, endStream, this.#blocks.decoder.recognised);
    if (endStream) this.#state.closeIfEnded(stream);
  }

  #onResponse(stream: Http2Stream<Context>, block: HeaderBlock): void {
    const { endStream } = this.#blocks;
    const code = codeOfBadBlock(block, faultOfResponse(block, endStream));
    if (code !== undefined) {
      this.#state.streamFault(stream.id, code);
      return;
    }
    if (isInformational(block)) {
      this.#state.budgets.idleFrames.spend();
      return;
    }
    this.#state.budgets.idleFrames.earn(4);
    this.#accept(stream, block, endStream);
    this.#state.events.onHeaders(stream, block.list, endStream, this.#blocks.decoder.recognised);
    if (endStream) this.#state.closeIfEnded(stream);
  }

  #accept(stream: Http2Stream<Context>, { contentLength }: HeaderBlock, endStream: boolean): void {
    stream.hasHeaders = true;
    stream.contentLeft = contentLength;
    stream.remoteEnded = endStream;
  }

  #onTrailers(stream: Http2Stream<Context>, block: HeaderBlock): void {
    if (stream.remoteEnded) {
      this.#state.streamFault(stream.id, ERROR_CODE.STREAM_CLOSED);
      return;
    }
    const fault = stream.contentLeft > 0 ? "DATA is shorter than content-length" : undefined;
    const code = codeOfBadBlock(block, fault ?? faultOfTrailers(block, this.#blocks.endStream));
    if (code !== undefined) {
      this.#state.streamFault(stream.id, code);
      return;
    }
    stream.remoteEnded = true;
    this.#state.events.onTrailers(stream, block.list);
    this.#state.closeIfEnded(stream);
  }

  #onReset(streamId: number, code: number): void {
    const { streams, budgets } = this.#state;
    if (streamId === 0 || streams.isIdle(streamId)) throw protocolError("RST_STREAM on a stream that is not open");
    const stream = streams.get(streamId);
    if (stream === undefined) {
      budgets.idleFrames.spend();
      return;
    }
    // After a whole answer a server may so stop the rest of a request, and a client may so save itself the end of it.
    if (!(code === ERROR_CODE.NO_ERROR && (stream.localEnded || stream.remoteEnded))) this.#state.countReset();
    this.#state.endByPeer(stream, { code, by: "peer", processed: code !== ERROR_CODE.REFUSED_STREAM });
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    const { streams, sender, budgets } = this.#state;
    budgets.idleFrames.spend();
    if (streamId === 0) {
      if (increment === 0) throw protocolError("WINDOW_UPDATE of 0 bytes");
      sender.widenConnection(increment);
      this.#state.pump();
      return;
    }
    const stream = streams.get(streamId);
    if (stream === undefined) {
      if (streams.isIdle(streamId)) throw protocolError("WINDOW_UPDATE on a stream that is not open");
      return;
    }
    if (increment === 0) this.#state.streamFault(streamId, ERROR_CODE.PROTOCOL_ERROR);
    else if (!sender.widen(stream, increment)) this.#state.streamFault(streamId, ERROR_CODE.FLOW_CONTROL_ERROR);
    else this.#state.pump();
  }

  #onSettings(bytes: Buffer, start: number, end: number): void {
    const { peer, streams, sender, budgets, output, role, events } = this.#state;
    budgets.settings.spend();
    const { initialWindowBytes } = peer;
    // Without the setting there is no limit, whatever was assumed so far.
    if (!this.#hasSettings) peer.maxConcurrentStreams = LARGEST_STREAM_ID;
    this.#hasSettings = true;
    readSettings(bytes, start, end, peer, role === "client");
    sender.encoder.limitTable(peer.headerTableBytes);
    const change = peer.initialWindowBytes - initialWindowBytes;
    if (change !== 0) {
      for (const stream of streams.all()) {
        if (sender.widen(stream, change)) continue;
        throw new ConnectionFault(ERROR_CODE.FLOW_CONTROL_ERROR, "SETTINGS make a stream's window too large");
      }
    }
    this.#state.countAck();
    output.frame(0, FRAME.SETTINGS, FLAG.ACK, 0);
    this.#state.pump();
    events.onSettings();
  }

  /** The peer knows our settings: those that are smaller than the initial ones hold from now on. */
  #onSettingsAck(): void {
    if (this.#state.settingsAcked) {
      this.#state.budgets.settings.spend();
      return;
    }
    this.#state.settingsAcked = true;
    const { options, streams, windows } = this.#state;
    this.#blocks.decoder.limitTable(options.headerTableBytes);
    const change = options.streamWindowBytes - this.#state.initialReceiveWindow;
    if (change === 0) return;
    this.#state.initialReceiveWindow += change;
    for (const stream of streams.all()) {
      stream.receiveWindow += change;
      // What was consumed before may be worth an update only now.
      windows.consume(stream, 0);
    }
  }

  #onPing(bytes: Buffer, start: number, end: number): void {
    const { output, budgets } = this.#state;
    budgets.pings.spend();
    this.#state.countAck();
    output.frame(8, FRAME.PING, FLAG.ACK, 0);
    output.bytes(bytes, start, end);
  }

  #onPong(purpose: number, number: number): void {
    const { windows, events, streams, budgets } = this.#state;
    if (purpose === PING_PURPOSE.BANDWIDTH) windows.roundTrip();
    else if (purpose === PING_PURPOSE.OWNER) events.onPong(number);
    else if (purpose === PING_PURPOSE.SHUTDOWN && this.#state.shuttingDown) {
      if (this.#state.acceptUpTo !== LARGEST_STREAM_ID) return;
      // What the peer opened before it knew has come by now.
      this.#state.acceptUpTo = streams.lastPeerId;
      this.#state.goAway(streams.lastPeerId, ERROR_CODE.NO_ERROR, "");
      this.#state.finishIfDone();
    } else budgets.idleFrames.spend();
  }

  #onGoAway(lastStreamId: number, code: number, debug: string): void {
    const { streams, events } = this.#state;
    this.#state.peerIsLeaving = true;
    for (const stream of streams.all()) {
      if (streams.isOpenedByPeer(stream.id) || stream.id <= lastStreamId || stream.closed) continue;
      this.#state.endByPeer(stream, { code: ERROR_CODE.REFUSED_STREAM, by: "goaway", processed: false });
    }
    events.onGoAway({ lastStreamId, code, debug });
  }
}

/** The error of a DATA frame on an open stream that is not allowed there. */
function codeOfBadData(stream: Http2Stream, length: number): number | undefined {
  if (stream.remoteEnded) return ERROR_CODE.STREAM_CLOSED;
  if (!stream.hasHeaders) return ERROR_CODE.PROTOCOL_ERROR;
  return stream.receiveWindow < 0 && length > 0 ? ERROR_CODE.FLOW_CONTROL_ERROR : undefined;
}

function codeOfBadBlock({ tooLarge }: HeaderBlock, fault: string | undefined): number | undefined {
  if (tooLarge) return ERROR_CODE.ENHANCE_YOUR_CALM;
  return fault === undefined ? undefined : ERROR_CODE.PROTOCOL_ERROR;
}

function expectLength(type: number, length: number, expected: number): void {
  if (length === expected) return;
  throw new ConnectionFault(
    ERROR_CODE.FRAME_SIZE_ERROR,
    `a frame of type ${type} with ${length} bytes, not ${expected}`,
  );
}

function protocolError(message: string): ConnectionFault {
  return new ConnectionFault(ERROR_CODE.PROTOCOL_ERROR, message);
}
