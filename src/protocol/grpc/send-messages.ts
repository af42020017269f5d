// Messages on their way to a peer, as fast as it takes them.
import type { Compression } from "../../base/compression.ts";
import { RpcError } from "../../base/errors.ts";
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
  readonly isClosed: boolean;
}

/**
 * Writes messages until there are no more or the sink is closed. Throws what `messages` throws, and a RpcError INTERNAL
 * for a message that is not protobuf, or is compressed in a way that the headers have not announced.
 */
export async function sendMessages(
  messages: Messages,
  announced: Compression | undefined,
  sink: MessageSink,
  sent: (bytes: number) => void,
): Promise<void> {
  for await (const first of messages) {
    // What has come with it goes with it.
    for (let payload: Payload | undefined = first; payload; payload = messages.poll?.()) {
      if (sink.isClosed) return;
      const { codec, bytes, compression } = payload;
      if (codec !== "protobuf") throw new RpcError("INTERNAL", `a message came as ${codec}: expected protobuf`);
      if (compression !== undefined && compression !== announced) {
        throw new RpcError("INTERNAL", `a message is compressed with ${compression}, which was not announced`);
      }
      sent(bytes.length);
      if (!sink.write(writeMessage(bytes, compression !== undefined))) await sink.whenWritable();
    }
    if (sink.isClosed) return;
  }
}
