// The Java stubs of everything that the two languages of IDL can say.
import { generateJava } from "../../codegen/java.ts";
import type { Produce } from "../../tools/golden.ts";
import { goldenStubs } from "./stub-files.ts";

export const folder = "test/golden/stubs/java";

export const produce: Produce = async () => goldenStubs(generateJava, (name) => (name === "cross" ? name : undefined));
