// The files of a registry directory: what they are called and what stands in them. `UPSTREAM.yaml` (or .yml, .json) is
// written by people, `UPSTREAM@ID.json` by a sidecar for one instance with a lease. Names are percent-encoded, so that every
// upstream has one, and `@` stands in none.
import { z } from "zod";
import { formatAddress } from "../base/address.ts";
import type { Report } from "../base/diagnostic.ts";
import { parseYaml } from "../base/yaml.ts";
import type { Endpoint, Instance } from "../rpc/endpoint.ts";
import { endpointOf, endpointOption, endpointShape } from "./endpoint-option.ts";

/** A file by its name. */
export interface DirectoryFileName {
  readonly upstream: string;
  /** Undefined for a file that people write. */
  readonly id: string | undefined;
}

/** What a file says. */
export interface DirectoryFile {
  readonly endpoints: readonly Endpoint[];
  /** Undefined for endpoints that stay as long as their file. */
  readonly lease: Lease | undefined;
}

/** An instance is gone when its file has not changed for `leaseMs`; `beat` changes with each heartbeat. */
export interface Lease {
  readonly leaseMs: number;
  readonly beat: number;
}

/** Most bytes of a file: some 100,000 endpoints. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

const LEASE_MS = { min: 1_000, max: 600_000 } as const;
const NAME = /^([^@.][^@]*?)(?:@([\w.-]{1,128}))?\.(yaml|yml|json)$/;

const staticFile = z.strictObject({ endpoints: z.array(endpointOption) });
const leasedFile = z.strictObject({
  ...endpointShape,
  leaseMs: z.number().min(LEASE_MS.min).max(LEASE_MS.max),
  beat: z.int(),
});

/** Undefined for a file that is none of the registry's: hidden, being written, or of another kind. */
export function parseFileName(name: string): DirectoryFileName | undefined {
  const parts = NAME.exec(name);
  if (!parts || (parts[2] !== undefined && parts[3] !== "json")) return undefined;
  try {
    return { upstream: decodeURIComponent(parts[1]!), id: parts[2] };
  } catch {
    return undefined;
  }
}

/** The name of the file of one instance. */
export function leaseFileName(upstream: string, id: string): string {
  return `${encodeURIComponent(upstream).replace(/^\./, "%2E")}@${id}.json`;
}

/** Reads a file; undefined after an error, and all errors are reported. `path` is only for the positions. */
export function parseFile(
  { upstream, id }: DirectoryFileName,
  text: string,
  path: string,
  report: Report,
): DirectoryFile | undefined {
  if (id === undefined) {
    const file = read(text, path, staticFile, report);
    return file && { endpoints: file.endpoints.map((each) => endpointOf(upstream, each)), lease: undefined };
  }
  const file = read(text, path, leasedFile, report);
  if (!file) return undefined;
  const { leaseMs, beat, ...endpoint } = file;
  return { endpoints: [endpointOf(upstream, endpoint)], lease: { leaseMs, beat } };
}

/** JSON is YAML, and read ten times as fast by itself; what is wrong in it, YAML's reader says with its line. */
function read<T>(text: string, path: string, schema: z.ZodType<T>, report: Report): T | undefined {
  if (path.endsWith(".json")) {
    const read = schema.safeParse(jsonOf(text));
    if (read.success) return read.data;
  }
  return parseYaml(text, path, schema, report)?.value;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of an instance's file. */
export function formatLeaseFile({ address, weight, labels, leaseMs }: Instance, beat: number): string {
  return `${JSON.stringify({ address: formatAddress(address), weight, labels, leaseMs, beat }, undefined, 2)}\n`;
}
