import { collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** What the gateway measures. Labels are processor, method and outcome, and no others: the number of series is bounded. */
export interface GatewayMetrics {
  registry: Registry;
  /** One request that was answered; `processor` is "" where it is of none that is registered. */
  answered(request: { processor: string; method: string; outcome: string; seconds: number }): void;
}

const bucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30];

export function createGatewayMetrics(): GatewayMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: "kato_http_request_seconds",
    help: "HTTP requests by their time to the answer",
    labelNames: ["processor", "method", "outcome"],
    buckets: bucketsSeconds,
    registers: [registry],
  });
  return {
    registry,
    answered: ({ seconds, ...labels }) => requests.observe(labels, seconds),
  };
}
