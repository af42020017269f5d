// A log for tests that do not ask what is logged.
import type { Log } from "../src/base/log.ts";

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
