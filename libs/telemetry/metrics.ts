import type { Counter } from "prom-client";

/** The labels of all metrics of this project's own, and no others. */
export type Label = "processor" | "method" | "outcome";

/** Of latencies that go from a millisecond to the longest that anybody waits. */
export const latencyBucketsSeconds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/**
 * Takes what is of a processor that is not registered any more out of these counters, so that their series are never more than
 * the registered processors' times the outcomes. To be called before each scrape.
 */
export async function keepRegistered(
  counters: readonly Counter<Label>[],
  isRegistered: (processor: string) => boolean,
): Promise<void> {
  for (const counter of counters) {
    const { values } = await counter.get();
    for (const { labels } of values) {
      const { processor = "" } = labels;
      if (processor !== "" && !isRegistered(String(processor))) counter.remove(labels);
    }
  }
}

/** Makes a counter show a count that is kept elsewhere. */
export function showCount(counter: Counter, count: number): void {
  counter.reset();
  counter.inc(count);
}
