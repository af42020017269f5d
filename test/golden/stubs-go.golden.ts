// The Go stubs of everything that the two languages of IDL can say.
import { generateGo } from "../../codegen/go.ts";
import type { Produce } from "../../tools/golden.ts";
import { goldenStubs } from "./stub-files.ts";

export const folder = "test/golden/stubs/go";

export const produce: Produce = async () => goldenStubs(generateGo, (name) => `golden.test/${name}`);
