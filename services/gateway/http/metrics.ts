import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { StoreRoom } from "../../../libs/nats/store-room.ts";
import type { Label } from "../../../libs/telemetry/metrics.ts";
import {
  addNodeMetrics,
  createClockSkewGauge,
  latencyBucketsSeconds,
  setCounter,
} from "../../../libs/telemetry/metrics.ts";
import { ProcessorHistogram } from "../../../libs/telemetry/processor-histogram.ts";
import { ProcessorCounter } from "../../../libs/telemetry/processor-series.ts";
import type { LimitName } from "./limits.ts";
import { limitNames } from "./limits.ts";

/**
 * The gateway's metrics. Latencies have the labels method and outcome, counts have processor and outcome.
 * With all three a histogram would have a hundred thousand series for a thousand processors. So the one by
 * processor has no other label, and few buckets.
 */
export interface GatewayMetrics {
  /** Counts one answered request. */
  answered(request: AnsweredRequest): void;
  /** Counts that a client has reached a limit. */
  limited(limit: LimitName): void;
  /** All metrics in Prometheus' text format. */
  scrape(): Promise<string>;
  contentType: string;
}

export interface AnsweredRequest {
  /** "" for none. */
  processor: string;
  /** "" where there is no such route. */
  method: string;
  outcome: string;
  seconds: number;
  /** Whether it or its answer was a stream, which lasts for as long as its client wants. */
  isStream: boolean;
}

/** What the metrics look up at each scrape. */
export interface GatewayFacts {
  isRegistered: (processor: string) => boolean;
  /** How many processors are registered, and how many of those are run by no worker. */
  processors: () => { registered: number; unowned: number };
  natsReconnects: () => number;
  /** JetStream's storage, in bytes. What is undefined is not known. */
  storage: () => Partial<Pick<StoreRoom, "usedBytes" | "capacityBytes" | "reserveBytes">>;
  /** By how much this machine's clock is ahead of JetStream's. */
  clockSkewMs: () => number;
}

/** `latencyByProcessor` says whether there is a histogram by processor (LATENCY_BY_PROCESSOR). */
export function createGatewayMetrics(facts: GatewayFacts, latencyByProcessor: boolean): GatewayMetrics {
  const registry = new Registry();
  const registers = [registry];
  addNodeMetrics(registry);
  const requests = new ProcessorCounter(
    {
      name: "kato_http_requests_total",
      help: "HTTP requests by processor and outcome: okay, or the error's code",
    },
    facts.isRegistered,
  );
  const latency = new Histogram<Label>({
    name: "kato_http_request_seconds",
    help: "HTTP requests by their time to the end of the answer",
    labelNames: ["method", "outcome"],
    buckets: latencyBucketsSeconds,
    registers,
  });
  const byProcessor = new ProcessorHistogram(
    {
      name: "kato_processor_request_seconds",
      help: "HTTP requests that succeeded and were no streams, by processor",
      isOn: latencyByProcessor,
    },
    facts.isRegistered,
  );
  const limits = new Counter<Label>({
    name: "kato_client_limits_total",
    help: "How often clients have reached a limit, by its name",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of Object.keys(limitNames)) limits.inc({ outcome }, 0);
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
  const showStorage = createStorageGauges(registry);
  const reconnects = new Counter({
    name: "kato_nats_reconnects_total",
    help: "How often the connection to NATS was made again",
    registers,
  });
  const clockSkew = createClockSkewGauge(registry);
  return {
    contentType: registry.contentType,
    answered: ({ processor, method, outcome, seconds, isStream }) => {
      requests.inc(facts.isRegistered(processor) ? processor : "", { outcome });
      latency.observe({ method, outcome }, seconds);
      if (outcome === "okay" && processor !== "" && !isStream) byProcessor.observe(processor, seconds);
    },
    limited: (outcome) => limits.inc({ outcome }),
    scrape: async () => {
      const processors = facts.processors();
      registered.set(processors.registered);
      unowned.set(processors.unowned);
      showStorage(facts.storage());
      setCounter(reconnects, facts.natsReconnects());
      clockSkew.set(facts.clockSkewMs() / 1_000);
      return `${await registry.metrics()}${requests.text()}${byProcessor.text()}`;
    },
  };
}

/** Creates the gauges about JetStream's storage. The function that is returned sets them. */
function createStorageGauges(registry: Registry): (storage: ReturnType<GatewayFacts["storage"]>) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const used = gauge("kato_store_used_bytes", "What all streams and buckets take of JetStream's storage");
  const capacity = gauge("kato_store_capacity_bytes", "What they may take; 0 while that is not known");
  const reserve = gauge("kato_store_reserve_bytes", "How much of that is kept free of commands");
  return ({ usedBytes = 0, capacityBytes = 0, reserveBytes = 0 }) => {
    used.set(usedBytes);
    capacity.set(capacityBytes);
    reserve.set(reserveBytes);
  };
}
