// Messages on their way to a peer, as fast as it takes them.
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Payload } from "../../rpc/call.ts";
import type { Messages } from "../../rpc/stream.ts";
import { writeMessage } from "./message.ts";

/** One side of a stream, to be written. */
export interface MessageSink {
  /** Writes bytes, which must not change any more; false when `whenWritable` should be awaited before more come. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when all that was written has left, or the stream is closed. */
  whenWritable(): Promise<void>;
  /** Nothing more can be written. */
  isClosed(): boolean;
}

/** What the messages on a wire may be. */
export interface CarriedMessages {
  readonly codec: Codec;
  /** What the headers have announced that messages may be compressed with. */
  readonly compression: Compression | undefined;
}

/**
 * Writes messages until there are no more or the sink is closed. Throws what `messages` throws, and a RpcError INTERNAL
 * for a message in another codec, or compressed in a way that the headers have not announced.
 */
export async function sendMessages(
  messages: Messages,
  carried: CarriedMessages,
  sink: MessageSink,
  sent: (bytes: number) => void,
): Promise<void> {
  for await (const first of messages) {
    // What has come with it goes with it.
    for (let payload: Payload | undefined = first; payload; payload = messages.poll?.()) {
      if (sink.isClosed()) return;
      const { codec, bytes, compression } = payload;
      if (codec !== carried.codec) {
        throw new RpcError("INTERNAL", `a message came as ${codec}: expected ${carried.codec}`);
      }
      if (compression !== undefined && compression !== carried.compression) {
        throw new RpcError("INTERNAL", `a message is compressed with ${compression}, which was not announced`);
      }
      sent(bytes.length);
      if (!sink.write(writeMessage(bytes, compression !== undefined))) await sink.whenWritable();
    }
    if (sink.isClosed()) return;
  }
}
