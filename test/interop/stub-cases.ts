// What every client program of the stubs does beside CASES, where a server of the stubs answers. Its echoString does
// something else for some texts: "wait KEY" waits, and notes "ended wait KEY" when the call is cancelled meanwhile;
// "deadline?" gives the seconds that are left, and "metadata?" the value of x-own.
import { CASES, type Case } from "./cases.ts";

export type StubLanguage = "go" | "java" | "php";

interface StubCase extends Case {
  /** The languages whose servers cannot tell. */
  readonly notServedBy?: readonly StubLanguage[];
}

/** In the order in which they are reported. */
export const STUB_CASES: readonly StubCase[] = [
  ...CASES.filter(({ only }) => only?.includes("go-grpc") ?? true),
  { name: "echoBinary: 5 MB" },
  { name: "echoString: a deadline ends the call" },
  { name: "echoString: a deadline travels" },
  { name: "echoString: metadata travels" },
  // A request of PHP's learns nothing of its caller any more.
  { name: "echoString: cancellation travels", notServedBy: ["php"] },
];
