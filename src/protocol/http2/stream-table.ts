// The streams of a connection: which are open, which ids were used, and which were reset so lately that the peer may not
// know it yet (RFC 9113 section 5.1).
import { IdTable } from "../../base/id-table.ts";
import type { Http2Stream } from "./stream.ts";

/** Which side of the connection this is. */
export type Role = "client" | "server";

/** How many streams that we reset are remembered, to tell frames that were on their way from wrong ones. */
const REMEMBERED_RESETS = 256;

/** The streams of one connection, by id. */
export class StreamTable<Context> {
  readonly #open = new IdTable<Http2Stream<Context>>();
  #resets: Set<number> | undefined;
  /** Resets up to this id may have been forgotten. */
  #forgottenUpTo = 0;
  /** Client streams are odd. We open as a client only, because nobody pushes. */
  readonly #peerParity: number;
  /** The highest stream that the peer has opened. */
  lastPeerId = 0;
  /** The next stream that we open. */
  nextOwnId = 1;

  constructor(role: Role) {
    this.#peerParity = role === "server" ? 1 : 0;
  }

  /** How many are open; all of them were opened by the same side. */
  get size(): number {
    return this.#open.size;
  }

  get(id: number): Http2Stream<Context> | undefined {
    return this.#open.get(id);
  }

  add(stream: Http2Stream<Context>): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Http2Stream<Context>): void {
    this.#open.delete(stream.id);
  }

  /** Those that are open now, in the order in which they were opened. */
  all(): readonly Http2Stream<Context>[] {
    return this.#open.values().sort((a, b) => a.id - b.id);
  }

  isOpenedByPeer(id: number): boolean {
    return (id & 1) === this.#peerParity;
  }

  /** Whether no side has opened the stream yet. */
  isIdle(id: number): boolean {
    if (this.isOpenedByPeer(id)) return id > this.lastPeerId;
    return this.#peerParity === 1 || id >= this.nextOwnId;
  }

  /** Remembers that we reset a stream. */
  rememberReset(id: number): void {
    this.#resets ??= new Set();
    this.#resets.add(id);
    if (this.#resets.size <= REMEMBERED_RESETS) return;
    const [oldest] = this.#resets;
    if (oldest === undefined) return;
    this.#resets.delete(oldest);
    this.#forgottenUpTo = Math.max(this.#forgottenUpTo, oldest);
  }

  /** Whether the peer may not have known that the stream is closed when it sent a frame on it. */
  mayBeLate(id: number): boolean {
    return id <= this.#forgottenUpTo || this.#resets?.has(id) === true;
  }
}
