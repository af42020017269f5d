// What a target language is: a pure function from the stub model to files. Each language is one file beside this one and
// one line in languages.ts.
import type { Report } from "../src/base/diagnostic.ts";
import type { StubModel } from "./stub-model.ts";

/** One file to write, its path relative to the output folder with `/` between parts. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

export interface TargetOptions {
  /** Whether what is needed to implement a service is generated beside its client. */
  readonly server: boolean;
  /** The version of Causeway that the header of each file names. */
  readonly version: string;
  /**
   * What stands in front of every generated package, in the words of the language: of Go the import path of the output
   * folder, of Java a package, of PHP a namespace. Undefined: the IDL alone decides.
   */
  readonly package: string | undefined;
}

/**
 * Generates the stubs of one language. What the language cannot express is reported as an error at its place in the IDL, and
 * names that had to change as a warning; after an error what is returned is of no use. The command line does the writing.
 */
export type Target = (model: StubModel, options: TargetOptions, report: Report) => readonly GeneratedFile[];
