// The interface of a stub generator: from a schema to files, pure. Each target language will be one file beside this one.
import type { Schema } from "../src/schema/model.ts";

/** One file to write, its path relative to the output folder with `/` between parts. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

export interface TargetOptions {
  /** The payload that the stubs put on the wire; the far side may speak the other. */
  readonly wire: "thrift" | "protobuf";
  /** Whether interfaces to implement a service are generated beside its client. */
  readonly server: boolean;
}

/** Generates the stubs of one language. The command line does the writing. */
export type Target = (schema: Schema, options: TargetOptions) => readonly GeneratedFile[];
