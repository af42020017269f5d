// The ready-made dashboard asks for metrics that a sidecar has, and docs/observability.md lists those of its own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startSidecarForTest } from "./sidecar.ts";

const DOCS = join(import.meta.dirname, "../../docs");

async function metricNames(): Promise<readonly string[]> {
  const sidecar = startSidecarForTest('listeners: [{ kind: admin, address: "127.0.0.1:0" }]');
  const text = await (await fetch(`http://${await sidecar.addressOf("admin")}/metrics`)).text();
  return [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name]) => name!);
}

test("every metric that the Grafana dashboard queries exists", async () => {
  const dashboard = JSON.parse(readFileSync(join(DOCS, "grafana/causeway.json"), "utf8")) as {
    readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  };
  const names = new Set(await metricNames());
  const queried = dashboard.panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:causeway|nodejs|process)_\w+/g) ?? []),
  );
  expect(queried.length).toBeGreaterThan(15);
  expect(queried.filter((name) => !names.has(name.replace(/_bucket$/, "")))).toEqual([]);
});

test("docs/observability.md lists the sidecar's own metrics, all of them and no others", async () => {
  const text = readFileSync(join(DOCS, "observability.md"), "utf8");
  const listed = [...text.matchAll(/^\| `(causeway_\w+)/gm)].map(([, name]) => name!);
  const own = (await metricNames()).filter((name) => name.startsWith("causeway_"));
  expect(listed.toSorted()).toEqual(own.toSorted());
});
