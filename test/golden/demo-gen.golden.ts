// The generated code that the demo's services and callers in Node stand on.
import { generate } from "../../demo/generate.ts";

export const folder = "demo/gen";

export const produce = generate;
