import { Counter, Histogram, Registry } from "prom-client";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import { methodLabel } from "../../libs/kato/compound-commands.ts";
import type { Label } from "../../libs/telemetry/metrics.ts";
import {
  addNodeMetrics,
  createClockSkewGauge,
  latencyBucketsSeconds,
  setCounter,
} from "../../libs/telemetry/metrics.ts";
import { ProcessorHistogram } from "../../libs/telemetry/processor-histogram.ts";
import { gaugeText, ProcessorCounter } from "../../libs/telemetry/processor-series.ts";

/**
 * The worker's metrics. Latencies have the labels method and outcome. Counts and gauges have the label
 * processor. A histogram with all of these labels would have a hundred thousand series for a thousand
 * processors. So the one by processor has no other label, and few buckets.
 */
export interface WorkerMetrics {
  /** A command has ended. */
  concluded(command: { processor: string; outcome: string }): void;
  /** The call of a command is begun this long after the command was stored. */
  waited(wait: { method: string; seconds: number }): void;
  /** A call to an instance has ended: with a response, a gRPC error, or unseen. */
  called(call: { method: string; outcome: string; seconds: number }): void;
  /** A step was applied, and its calls took this long. */
  applied(step: { processor: string; seconds: number }): void;
  /** A step of recovery has ended. Each has a line in the log too. */
  recovered(step: { processor: string; method: string; outcome: string }, count?: number): void;
  /** A command has become a dead letter: nobody waited for it, and it did not succeed. */
  deadLettered(processor: string): void;
  /** Commands were gone from the log before they were applied. */
  lost(commands: { processor: string; count: number }): void;
  leaseChanged(change: "taken" | "lost" | "given-back"): void;
  /** The instance is reached over another connection than before. */
  reconnected(processor: string): void;
  /** All metrics, in the format of Prometheus. */
  scrape(): Promise<string>;
  contentType: string;
}

/** What is asked of the worker at a scrape. */
export interface WorkerFacts {
  states: () => ProcessorState[];
  isRegistered: (processor: string) => boolean;
  natsReconnects: () => number;
  /** By how much this machine's clock is ahead of JetStream's. */
  clockSkewMs: () => number;
}

/** The states as numbers; docs/operating.md names them too. */
const stateNumbers = {
  ready: 0,
  applying: 1,
  rebuilding: 2,
  down: 3,
  paused: 4,
  held: 5,
} as const satisfies Record<ProcessorState["state"], number>;

/** `latencyByProcessor` says whether there is a histogram by processor (LATENCY_BY_PROCESSOR). */
export function createWorkerMetrics(facts: WorkerFacts, latencyByProcessor: boolean): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  addNodeMetrics(registry);
  const counter = (name: string, help: string, labelNames: Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: Label[]) =>
    new Histogram<Label>({ name, help, labelNames, buckets: latencyBucketsSeconds, registers });
  const byProcessor = (name: string, help: string) =>
    new ProcessorCounter({ name, help }, facts.isRegistered);
  const commands = byProcessor("kato_commands_total", "Commands that came to their end, by outcome");
  const waits = histogram("kato_queue_wait_seconds", "From when a command is stored to its call", ["method"]);
  const calls = histogram("kato_grpc_call_seconds", "Calls to instances, by how they ended", [
    "method",
    "outcome",
  ]);
  const processorCalls = new ProcessorHistogram(
    {
      name: "kato_processor_call_seconds",
      help: "Calls of applied commands, by processor",
      isOn: latencyByProcessor,
    },
    facts.isRegistered,
  );
  const recoveries = byProcessor(
    "kato_recoveries_total",
    "Steps of recovery by what was found; of method replay, the Observes that a rebuild has replayed",
  );
  const letters = byProcessor("kato_dead_letters_total", "Commands that became dead letters");
  const leases = counter("kato_lease_changes_total", "Leases taken, lost and given back", ["outcome"]);
  const reconnects = byProcessor(
    "kato_instance_reconnects_total",
    "Connections to an instance after the first",
  );
  const natsReconnects = counter(
    "kato_nats_reconnects_total",
    "How often the connection to NATS was made again",
    [],
  );
  const clockSkew = createClockSkewGauge(registry);
  // Alerts watch the increase of these series, so the series are there from the start. Prometheus sees no
  // increase in a series that begins at 1.
  for (const outcome of ["taken", "lost", "given-back"] as const) leases.inc({ outcome }, 0);
  return {
    contentType: registry.contentType,
    concluded: ({ processor, ...labels }) => commands.inc(processor, labels),
    waited: ({ method, seconds }) => waits.observe({ method: methodLabel(method) }, seconds),
    called: ({ seconds, ...labels }) => calls.observe(labels, seconds),
    applied: ({ processor, seconds }) => processorCalls.observe(processor, seconds),
    recovered: ({ processor, ...labels }, count = 1) => {
      // A rebuild that replays nothing would only add a series for each processor.
      if (count > 0) recoveries.inc(processor, labels, count);
    },
    deadLettered: (processor) => letters.inc(processor),
    lost: ({ processor, count }) => commands.inc(processor, { outcome: "lost" }, count),
    leaseChanged: (outcome) => leases.inc({ outcome }),
    reconnected: (processor) => reconnects.inc(processor),
    scrape: async () => {
      const states = facts.states();
      for (const { processor } of states) {
        for (const outcome of ["unknown", "lost"]) commands.inc(processor, { outcome }, 0);
        letters.inc(processor, {}, 0);
      }
      setCounter(natsReconnects, facts.natsReconnects());
      clockSkew.set(facts.clockSkewMs() / 1_000);
      const counted = [commands, recoveries, letters, reconnects, processorCalls].map((each) => each.text());
      return [await registry.metrics(), ...counted, ...stateGauges(states)].join("");
    },
  };
}

/** The gauges about the processors that this worker runs. */
function stateGauges(states: ProcessorState[]): string[] {
  const gauge = (name: string, help: string, read: (state: ProcessorState) => number) =>
    gaugeText({ name, help }, states, read);
  const numbers = Object.entries(stateNumbers).map(([state, number]) => `${number} ${state}`);
  return [
    gauge(
      "kato_queue_depth",
      "Commands in the log that are not applied yet",
      ({ last, applied }) => last - applied,
    ),
    gauge(
      "kato_queue_oldest_seconds",
      "How long the oldest command that is not applied stands in the log, 0 without one",
      (s) => s.oldestMs / 1_000,
    ),
    gauge("kato_applied_sequence", "The sequence up to which everything is applied", (s) => s.applied),
    gauge("kato_apply_rate", "Commands applied per second, lately", (s) => s.rate),
    gauge("kato_processor_state", `How it stands: ${numbers.join(", ")}`, (s) => stateNumbers[s.state]),
  ];
}
