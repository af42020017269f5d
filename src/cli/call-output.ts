// What `causeway call` prints: answers on standard output, everything else on standard error.

import type { RpcError } from "../base/errors.ts";
import type { Metadata } from "../base/metadata.ts";
import { formatJson, parseJson } from "../codec/json-text.ts";
import type { PrintDetail } from "../protocol/http/connect-error.ts";
import { typeName } from "../rpc/status.ts";

export interface CallOutput {
  /** A response, as JSON on one line or several. */
  response(json: string): void;
  exception(exception: { readonly name: string; readonly json: string }): void;
  failure(error: RpcError): void;
  /** Only with --verbose. */
  note(text: string): void;
  metadata(title: string, metadata: Metadata): void;
}

export interface CallOutputOptions {
  readonly pretty: boolean;
  /** Errors as one JSON object instead of text. */
  readonly json: boolean;
  readonly verbose: boolean;
  readonly printDetail: PrintDetail;
}

/** Prints to the process's own streams. */
export function createCallOutput({ pretty, json, verbose, printDetail }: CallOutputOptions): CallOutput {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const formatted = (text: string): string =>
    pretty ? formatJson(parseJson(text, Number.POSITIVE_INFINITY, unreachable)) : text;

  function note(text: string): void {
    if (verbose) say(text);
  }

  return {
    response: (text) => void process.stdout.write(`${formatted(text)}\n`),
    exception({ name, json: value }) {
      process.stdout.write(`${formatted(`{"exception":${JSON.stringify(name)},"value":${value}}`)}\n`);
    },
    failure(error) {
      const { code, message, details, origin } = error;
      if (json) {
        const printed = details.map((detail) => {
          const known = printDetail(detail);
          const value = known ?? JSON.stringify(base64Of(detail.value));
          return `{"type":${JSON.stringify(typeName(detail))},"value":${value}}`;
        });
        say(`{"code":"${code}","message":${JSON.stringify(message)},"details":[${printed}],"origin":"${origin}"}`);
        return;
      }
      say(`${code}: ${message}`);
      for (const detail of details) {
        say(`  ${typeName(detail)} ${printDetail(detail) ?? `(its type is not loaded) ${base64Of(detail.value)}`}`);
      }
    },
    note,
    metadata(title, metadata) {
      for (const [name, value] of metadata) note(`${title} ${name}: ${value}`);
    },
  };
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** What is printed was written here. */
function unreachable(at: number, reason: string): never {
  throw new Error(`wrote JSON that does not parse at ${at}: ${reason}`);
}
