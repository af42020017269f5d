// `causeway explain`: what would become of a call by a config, and why.
import { Command } from "commander";
import { parseHeader } from "../admin/explain-page.ts";
import type { ExplainedRule, ExplainedWay, Explanation } from "../app/explain-call.ts";
import { type Diagnostic, formatDiagnostic } from "../base/diagnostic.ts";

interface ExplainOptions {
  readonly config: string;
  readonly header: readonly (readonly [string, string])[];
  readonly caller?: string;
  readonly json?: boolean;
}

/** Explains a call; exit code 1 when the config is wrong or has no such method. */
export const explainCommand = new Command("explain")
  .description("Says what would become of a call by a config: each rule's verdict, upstreams, endpoints and policies.")
  .argument("<service/method>", "full name of the service, and the method")
  .requiredOption("-c, --config <file>", "the config file, YAML")
  .option("-H, --header <key=value>", "metadata of the call (repeatable)", collect, [])
  .option("--caller <name>", "the caller, as its certificate names it")
  .option("--json", "print one JSON object instead of lines")
  .addHelpText(
    "after",
    `
Nothing is called. The admin listener of a running sidecar explains by what it knows of its endpoints, too:
GET /explain?call=Service/method&header=key=value&caller=NAME

Example:
  $ causeway explain shop.Inventory/get -c causeway.yaml -H x-tenant=beta-7`,
  )
  .action(async (call: string, { config, header, caller, json }: ExplainOptions) => {
    // The whole sidecar stands behind a config, and is not needed to say what is understood.
    const [{ checkConfig }, { explainCall }, { explainContextOf }] = await Promise.all([
      import("../app/app.ts"),
      import("../app/explain-call.ts"),
      import("../app/explain-config.ts"),
    ]);
    const checked = await checkConfig(config, (diagnostic: Diagnostic) => {
      if (diagnostic.severity === "error") process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
    });
    const explanation = checked && explainCall({ call, headers: header, caller }, explainContextOf(checked));
    if (explanation === undefined || typeof explanation === "string") {
      if (explanation) process.stderr.write(`causeway: ${explanation}\n`);
      process.exitCode = 1;
      return;
    }
    process.stdout.write(json ? `${JSON.stringify(explanation)}\n` : printed(explanation));
  });

function collect(text: string, before: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  const header = parseHeader(text);
  return header ? [...before, header] : explainCommand.error(`error: expected key=value, got '${text}'`);
}

function printed({ call, caller, authorization, faults, routes, ways }: Explanation): string {
  const lines = [
    `${call}, by ${caller === null ? "a caller without a name" : `the caller ${caller}`}`,
    `authorization: ${authorization}`,
    ...faults.flatMap((fault) => ruleLines("fault", fault)),
    ...routes.flatMap((rule) => ruleLines("route", rule)),
    ...(ways.length === 0 ? ["no upstream has the service, and no rule says where it goes"] : ways.flatMap(wayLines)),
  ];
  return `${lines.join("\n")}\n`;
}

function ruleLines(kind: string, { name, verdict, conditions }: ExplainedRule): readonly string[] {
  return [
    `${kind} ${name}: ${verdict}`,
    ...conditions.map(({ condition, verdict: each }) => `  ${condition}: ${each}`),
  ];
}

function wayLines({
  by,
  upstream,
  share,
  labels,
  headers,
  mirror,
  policies,
  endpoints,
}: ExplainedWay): readonly string[] {
  const demanded = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const part = share === 1 ? "" : `, ${Math.round(share * 10_000) / 100} % of the calls`;
  return [
    `to the upstream ${upstream} by ${by}${part}${demanded.length > 0 ? `, labels ${demanded.join(", ")}` : ""}`,
    ...(headers.length > 0 ? [`  metadata: ${headers.join("; ")}`] : []),
    ...(mirror === null ? [] : [`  mirror: ${mirror}`]),
    ...Object.entries(policies).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`),
    ...(typeof endpoints === "string"
      ? [`  endpoints: ${endpoints}`]
      : endpoints.map(({ endpoint, verdict }) => `  endpoint ${endpoint}: ${verdict}`)),
  ];
}
