// Shows Prometheus what upstreams count and know. All of it is read when somebody asks, and costs calls nothing. Labels are
// the names of the config's upstreams and a few words; endpoints are on the admin listener's /endpoints.
import { Counter, Gauge, type Registry } from "prom-client";
import type { UpstreamCounts } from "./upstream-counts.ts";
import type { EndpointHealth, UpstreamView } from "./upstream-view.ts";

/** An upstream that is measured. */
export interface MeasuredUpstream {
  readonly counts: UpstreamCounts;
  readonly view: () => UpstreamView;
}

const HEALTHS: readonly EndpointHealth[] = ["healthy", "unhealthy", "ejected", "open", "probing"];
const KINDS: readonly UpstreamView["kind"][] = ["known", "stale", "unknown"];

type Value = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Adds the metrics of upstreams to the registry; `upstreams` is asked at each scrape, so that those that are gone vanish. */
export function registerUpstreamMetrics(
  registry: Registry,
  upstreams: () => Iterable<readonly [name: string, upstream: MeasuredUpstream]>,
): void {
  const registers = [registry];

  function counter(name: string, help: string, label: string | undefined, read: (counts: UpstreamCounts) => Value[]) {
    new Counter({
      name,
      help,
      labelNames: label === undefined ? ["upstream"] : ["upstream", label],
      registers,
      collect() {
        this.reset();
        for (const [upstream, { counts }] of upstreams()) {
          for (const [labels, value] of read(counts)) this.inc({ upstream, ...labels }, value);
        }
      },
    });
  }

  function gauge(name: string, help: string, label: string | undefined, read: (view: UpstreamView) => Value[]) {
    new Gauge({
      name,
      help,
      labelNames: label === undefined ? ["upstream"] : ["upstream", label],
      registers,
      collect() {
        this.reset();
        for (const [upstream, { view }] of upstreams()) {
          for (const [labels, value] of read(view())) this.set({ upstream, ...labels }, value);
        }
      },
    });
  }

  counter("causeway_attempts_total", "Attempts at endpoints by what they say of them.", "outcome", ({ attempts }) =>
    Object.entries(attempts).map(([outcome, count]) => [{ outcome }, count]),
  );
  counter("causeway_retries_total", "Attempts after a failed one.", undefined, ({ retries }) => [[{}, retries]]);
  counter("causeway_retries_refused_total", "Retries that there was no budget for.", undefined, (counts) => [
    [{}, counts.retriesRefused],
  ]);
  counter("causeway_hedges_total", "Attempts beside a slow one.", undefined, ({ hedges }) => [[{}, hedges]]);
  counter("causeway_hedges_refused_total", "Hedges that there was no budget for.", undefined, ({ hedgesRefused }) => [
    [{}, hedgesRefused],
  ]);
  counter("causeway_refused_total", "Calls that a limit refused.", "limit", (counts) => [
    [{ limit: "rate" }, counts.rateRefused],
    [{ limit: "concurrency" }, counts.concurrencyRefused],
  ]);
  counter("causeway_ejections_total", "Endpoints that were ejected.", undefined, ({ ejections }) => [[{}, ejections]]);
  counter("causeway_breaker_openings_total", "Breakers that have opened.", undefined, ({ breakerOpenings }) => [
    [{}, breakerOpenings],
  ]);
  counter("causeway_health_checks_total", "Health checks of endpoints.", "outcome", ({ healthChecks }) =>
    Object.entries(healthChecks).map(([outcome, count]) => [{ outcome }, count]),
  );
  gauge("causeway_endpoints", "Endpoints by whether they are called.", "health", ({ endpoints }) =>
    HEALTHS.map((health) => [{ health }, endpoints.filter((each) => each.health === health).length]),
  );
  gauge("causeway_discovery_state", "1 for what the list of endpoints is worth.", "state", ({ kind }) =>
    KINDS.map((state) => [{ state }, state === kind ? 1 : 0]),
  );
  gauge("causeway_attempts_in_flight", "Attempts whose outcome is outstanding.", undefined, ({ endpoints }) => [
    [{}, sum(endpoints.map(({ inFlight }) => inFlight))],
  ]);
  gauge("causeway_connections", "Connections to endpoints.", "state", ({ endpoints }) => [
    [{ state: "open" }, sum(endpoints.map(({ connections }) => connections?.open ?? 0))],
    [{ state: "connecting" }, sum(endpoints.map(({ connections }) => connections?.connecting ?? 0))],
  ]);
  gauge("causeway_connection_waiters", "Calls that wait for a connection.", undefined, ({ endpoints }) => [
    [{}, sum(endpoints.map(({ connections }) => connections?.waiting ?? 0))],
  ]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
