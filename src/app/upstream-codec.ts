// What the payloads of an upstream's calls are in.
import type { Codec } from "../codec/codec.ts";
import type { UpstreamConfig } from "../config.ts";

/** What an upstream's calls are encoded in. */
export function codecOf(options: UpstreamConfig): Codec {
  switch (options.protocol) {
    case "grpc":
    case "connect":
      return "protobuf";
    case "http-json":
      return "json";
    default:
      return options.codec;
  }
}
