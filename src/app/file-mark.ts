// Whether a file has changed since it was read, without reading it again.
import { type BigIntStats, statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** What a file was like when it was read: another file or other bytes have another mark. */
export type FileMarks = Map<string, string>;

/** The mark of what `path` leads to now, through symbolic links, as deployment tools swap those. */
export function markOf(path: string): string {
  return markFrom(statSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** Whether any of the files is another one now, or has come or gone. */
export async function haveChanged(marks: ReadonlyMap<string, string>): Promise<boolean> {
  const now = await marksNow(marks.keys());
  return [...marks].some(([path, mark]) => now.get(path) !== mark);
}

/** The marks of these paths now. */
export async function marksNow(paths: Iterable<string>): Promise<FileMarks> {
  const all = [...paths].map(async (path) => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return [path, markFrom(found)] as const;
  });
  return new Map(await Promise.all(all));
}

function markFrom(found: BigIntStats | undefined): string {
  return found ? `${found.dev} ${found.ino} ${found.mtimeNs} ${found.size}` : "not there";
}
