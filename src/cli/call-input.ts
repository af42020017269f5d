// Where `causeway call` gets its requests from: the command line, a file or standard input.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { UsageError } from "./convert-codec.ts";

const STANDARD_INPUT = new Set(["-", "@-"]);

/** The one request of a call: `{}` when nothing is given. */
export async function readRequest(given: string | undefined): Promise<Uint8Array> {
  if (given === undefined) return Buffer.from("{}");
  if (STANDARD_INPUT.has(given)) return Buffer.from(orEmpty(await text(process.stdin)));
  if (!given.startsWith("@")) return Buffer.from(orEmpty(given));
  return readFile(given.slice(1)).catch((error: unknown) => {
    throw unreadable(given, error);
  });
}

function orEmpty(json: string): string {
  return json.trim() === "" ? "{}" : json;
}

/** The requests of a call that streams them, a line each: from standard input when nothing is given. */
export async function* readRequests(given: string | undefined): AsyncGenerator<Uint8Array> {
  if (given !== undefined && !given.startsWith("@") && given !== "-") {
    for (const line of given.split("\n")) if (line.trim() !== "") yield Buffer.from(line);
    return;
  }
  const fromStandard = given === undefined || STANDARD_INPUT.has(given);
  const input = fromStandard ? process.stdin : createReadStream(given.slice(1));
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() !== "") yield Buffer.from(line);
    }
  } catch (error) {
    throw unreadable(given ?? "-", error);
  } finally {
    // What waits on it would keep the process.
    input.destroy();
  }
}

function unreadable(given: string, error: unknown): UsageError {
  return new UsageError(`${given.slice(1)} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
}
