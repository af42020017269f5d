// What printing anything of Java needs: the file, the names of everything, and the wire.
import type { JavaFile } from "./java-file.ts";
import type { JavaNames } from "./java-names.ts";
import type { JavaWire } from "./java-wire.ts";

/** Shared by all that print one file. */
export interface JavaContext {
  readonly file: JavaFile;
  readonly names: JavaNames;
  readonly wire: JavaWire;
}
