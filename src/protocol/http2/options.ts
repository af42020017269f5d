// The bounds of an HTTP/2 connection, with their defaults.

/** How often something may happen: `burst` at once, `perSecond` in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What a connection allows its peer, and itself. Bytes are octets of the wire. */
export interface Http2Options {
  /** Streams that the peer may have open at once; half-open ones count. */
  readonly maxConcurrentStreams: number;
  /** What the peer may send on a stream, and on the connection, before it is consumed. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * What may wait for consumers in all before the connection's window is held back for it: until then a stream whose consumer takes
   * nothing holds back itself and no other.
   */
  readonly maxUnconsumedBytes: number;
  /** Most that the two windows grow to when the peer could send faster than they let it. */
  readonly maxStreamWindowBytes: number;
  readonly maxConnectionWindowBytes: number;
  /** Largest frame of the peer, 16,384 to 16,777,215. */
  readonly maxFrameBytes: number;
  /** Largest list of headers: names, values and 32 a field. A stream with a larger one is reset. */
  readonly maxHeaderListBytes: number;
  /** Largest header block before it is decoded, and how many CONTINUATION frames may carry its rest. */
  readonly maxHeaderBlockBytes: number;
  readonly maxContinuations: number;
  /** Size of the dynamic table that the peer may use for its headers. */
  readonly headerTableBytes: number;
  /**
   * Streams that a client resets, or misuses so that they are reset; a stream that ends in good order gives one back.
   */
  readonly resets: Rate;
  /** PINGs of the peer; data and headers sent to it make all of them free again. */
  readonly pings: Rate;
  /** SETTINGS of the peer. */
  readonly settings: Rate;
  /**
   * Frames that bring a call no further: WINDOW_UPDATE, PRIORITY, empty and tiny DATA, unknown types, frames on closed
   * streams, and the tiny DATA that tiny windows force. Frames that do bring one further give some back.
   */
  readonly idleFrames: Rate;
  /** Answers to PING and SETTINGS that wait because the peer does not read. */
  readonly maxQueuedAcks: number;
  /** Output that may wait before no more DATA is put into it. */
  readonly maxOutputBytes: number;
  /** Milliseconds on a clock that never jumps: what rates are measured by. */
  readonly nowMs: () => number;
}

/** Defaults of everything but the clock. */
export const HTTP2_DEFAULTS = {
  maxConcurrentStreams: 1_000,
  streamWindowBytes: 1024 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  maxUnconsumedBytes: 0,
  maxStreamWindowBytes: 8 * 1024 * 1024,
  maxConnectionWindowBytes: 32 * 1024 * 1024,
  maxFrameBytes: 16_384,
  maxHeaderListBytes: 65_536,
  maxHeaderBlockBytes: 65_536,
  maxContinuations: 32,
  headerTableBytes: 4_096,
  resets: { burst: 1_000, perSecond: 100 },
  pings: { burst: 1_000, perSecond: 10 },
  settings: { burst: 100, perSecond: 10 },
  idleFrames: { burst: 10_000, perSecond: 1_000 },
  maxQueuedAcks: 1_000,
  maxOutputBytes: 256 * 1024,
} as const satisfies Omit<Http2Options, "nowMs">;
