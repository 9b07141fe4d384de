import type { Counter, Registry } from "prom-client";
import { collectDefaultMetrics, Gauge } from "prom-client";

/** All labels that this project's own metrics have. */
export type Label = "processor" | "method" | "outcome";

/** The buckets of every latency histogram: from a millisecond to the longest time that a client can wait. */
export const latencyBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/**
 * Adds what Node measures of itself. It looks every 20 ms how late the event loop is, and tells the whole time between two
 * looks: so 20 ms are none too late. To look more often would be much of what an idle service does.
 */
export function addNodeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
}

/** Sets a counter without labels to a count that is kept elsewhere. */
export function setCounter(counter: Counter, count: number): void {
  counter.reset();
  counter.inc(count);
}

/** The gauge of how far this machine's clock is from JetStream's. */
export function createClockSkewGauge(registry: Registry): Gauge {
  return new Gauge({
    name: "kato_clock_skew_seconds",
    help: "By how much this machine's clock is ahead of that of NATS",
    registers: [registry],
  });
}
