// Changes to a call's metadata that a config asks for.
import { z } from "zod";
import type { Metadata } from "../base/metadata.ts";
import { headerName } from "./match.ts";

const pairs = z.record(headerName, z.string().max(8_192));

/** What becomes of metadata: removed first, then set, then added. */
export const headerEditOptions = z
  .strictObject({
    remove: z.array(headerName).default([]).describe("keys that are taken out"),
    set: pairs.default({}).describe("values in the place of all that the key had"),
    add: pairs.default({}).describe("values beside those that the key has"),
  })
  .describe("changes of the request's metadata");

export type HeaderEditOptions = z.output<typeof headerEditOptions>;

/** Makes the changes. */
export function editMetadata({ remove, set, add }: HeaderEditOptions): (headers: Metadata) => Metadata {
  const gone = new Set([...remove, ...Object.keys(set)]);
  const more = [...Object.entries(set), ...Object.entries(add)];
  return (headers) =>
    more.reduce(
      (after, [key, value]) => after.with(key, value),
      headers.filter((key) => !gone.has(key)),
    );
}
