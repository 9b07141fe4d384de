import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Label } from "../../../libs/telemetry/metrics.ts";
import {
  createClockSkewGauge,
  latencyBucketsSeconds,
  removeUnregistered,
  setCounter,
} from "../../../libs/telemetry/metrics.ts";

/**
 * The gateway's metrics. Latencies have the labels method and outcome, counts have processor and outcome.
 * With all three a histogram would have a hundred thousand series for a thousand processors.
 */
export interface GatewayMetrics {
  /** Counts one answered request. `processor` is "" for none, `method` is "" where there is no such route. */
  answered(request: { processor: string; method: string; outcome: string; seconds: number }): void;
  /** All metrics in Prometheus' text format. */
  scrape(): Promise<string>;
  contentType: string;
}

/** What the metrics look up at each scrape. */
export interface GatewayFacts {
  isRegistered: (processor: string) => boolean;
  /** How many processors are registered, and how many of those are run by no worker. */
  processors: () => { registered: number; unowned: number };
  natsReconnects: () => number;
  /** By how much this machine's clock is ahead of JetStream's. */
  clockSkewMs: () => number;
}

export function createGatewayMetrics(facts: GatewayFacts): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter<Label>({
    name: "kato_http_requests_total",
    help: "HTTP requests by processor and outcome: okay, or the error's code",
    labelNames: ["processor", "outcome"],
    registers,
  });
  const latency = new Histogram<Label>({
    name: "kato_http_request_seconds",
    help: "HTTP requests by their time to the end of the answer",
    labelNames: ["method", "outcome"],
    buckets: latencyBucketsSeconds,
    registers,
  });
  const registered = new Gauge({
    name: "kato_processors",
    help: "Processors that are registered",
    registers,
  });
  const unowned = new Gauge({
    name: "kato_processors_unowned",
    help: "Registered processors that no worker runs",
    registers,
  });
  const reconnects = new Counter({
    name: "kato_nats_reconnects_total",
    help: "How often the connection to NATS was made again",
    registers,
  });
  const clockSkew = createClockSkewGauge(registry);
  return {
    contentType: registry.contentType,
    answered: ({ processor, method, outcome, seconds }) => {
      requests.inc({ processor: facts.isRegistered(processor) ? processor : "", outcome });
      latency.observe({ method, outcome }, seconds);
    },
    scrape: async () => {
      await removeUnregistered([requests], facts.isRegistered);
      const processors = facts.processors();
      registered.set(processors.registered);
      unowned.set(processors.unowned);
      setCounter(reconnects, facts.natsReconnects());
      clockSkew.set(facts.clockSkewMs() / 1_000);
      return registry.metrics();
    },
  };
}
