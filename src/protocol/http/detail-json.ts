// The JSON of error details whose types are loaded, for people who read errors with nothing but curl.
import type { Limits, Transcoder } from "../../codec/codec.ts";
import { compileTranscoder } from "../../codec/transcode.ts";
import { typeName } from "../../rpc/status.ts";
import type { LinkedSchema } from "../../schema/link.ts";
import type { PrintDetail } from "./connect-error.ts";

/** Prints details by the messages of `linked`, each type compiled at its first use. */
export function createDetailPrinter({ schema, messageLink }: LinkedSchema, limits: Limits): PrintDetail {
  const transcoders = new Map<string, Transcoder>();

  function transcoderOf(name: string): Transcoder | undefined {
    const known = transcoders.get(name);
    if (known) return known;
    const type = schema.messages.get(name)?.find(({ wire }) => wire === "protobuf");
    if (!type) return undefined;
    const transcode = compileTranscoder({ kind: "whole", link: messageLink(type) }, "protobuf", "json", limits);
    transcoders.set(name, transcode);
    return transcode;
  }

  return (detail) => {
    try {
      const json = transcoderOf(typeName(detail))?.(detail.value, { unknownFields: 0, duplicates: 0 });
      return json && Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString();
    } catch {
      return undefined; // The bytes go out all the same.
    }
  };
}
