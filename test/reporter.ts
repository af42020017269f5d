// The end of `npm test`: which tests were skipped and why, then the counts, alone on the last line. A file that fails
// before or outside its tests counts as one failure. With CAUSEWAY_NO_SKIP=1 a skip makes the run fail.
import type { Reporter, TestModule } from "vitest/node";

export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    const skipped: string[] = [];
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        else if (result.state === "failed") failedHere++;
        else {
          const note = result.state === "skipped" ? result.note : undefined;
          skipped.push(`skipped: ${module.relativeModuleId} > ${test.fullName}${note ? `: ${note}` : ""}`);
        }
      }
      if (failedHere === 0 && module.state() === "failed") failedHere = 1;
      failed += failedHere;
    }

    const refused = skipped.length > 0 && process.env["CAUSEWAY_NO_SKIP"] === "1";
    const lines = [...skipped, ...(refused ? ["CAUSEWAY_NO_SKIP=1: a skipped test fails this run."] : [])];
    lines.push(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
    // At exit, because vitest and what it started may still write until then.
    process.on("exit", () => {
      if (refused || failed > 0) process.exitCode = 1;
      process.stdout.write(`\n${lines.join("\n")}\n`);
    });
  }
}
