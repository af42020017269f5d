// The record of one stream (RFC 9113 section 5.1). Its states: idle streams have none; open until one side has ended;
// half-closed until the other has; then, or when it is reset, it is closed and the connection forgets it.
import type { HeaderList } from "./header-list.ts";

/** One stream. Owners read it and set `context`; all else is written by the connection. */
export class Http2Stream<Context = unknown> {
  readonly id: number;
  /** Whatever the owner wants to find again. */
  context: Context | undefined = undefined;
  /** Whether END_STREAM has been sent, or received. */
  localEnded = false;
  remoteEnded = false;
  /** Nothing more will come or go. */
  closed = false;

  /** Whether its first header list has come, informational ones not counted. */
  hasHeaders = false;
  /** What is left of the content-length that the peer announced; -1 without one. */
  contentLeft = -1;
  /** What the peer may still send; negative when settings made it smaller. */
  receiveWindow: number;
  /** What the window is filled up to. */
  receiveTarget: number;
  /** What has been received and not yet consumed. */
  unconsumed = 0;

  /** What the peer lets us send. */
  sendWindow: number;
  /** What could not be sent yet, the first piece from `queueOffset` on. */
  queue: Uint8Array[] | undefined = undefined;
  queueOffset = 0;
  queuedBytes = 0;
  /** Whether the end comes behind the queue: with trailers, or else with the last DATA. */
  endQueued = false;
  trailers: HeaderList | undefined = undefined;

  constructor(id: number, receiveWindow: number, receiveTarget: number, sendWindow: number) {
    this.id = id;
    this.receiveWindow = receiveWindow;
    this.receiveTarget = receiveTarget;
    this.sendWindow = sendWindow;
  }
}
