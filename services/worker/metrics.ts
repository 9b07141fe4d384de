import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";

/** What the worker measures. Labels are processor, method and outcome, and no others: the number of series is bounded. */
export interface WorkerMetrics {
  registry: Registry;
  /** A command came to its end. */
  concluded(command: { processor: string; method: string; outcome: string }): void;
  /** A step of recovery, as each has a line in the log too. */
  recovered(step: { processor: string; method: string; outcome: string }, count?: number): void;
}

/** `states` is asked at each scrape. */
export function createWorkerMetrics(states: () => ProcessorState[]): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const commands = new Counter({
    name: "kato_commands_total",
    help: "Commands that came to their end, by outcome",
    labelNames: ["processor", "method", "outcome"],
    registers,
  });
  const recoveries = new Counter({
    name: "kato_recoveries_total",
    help: "Steps of recovery by what was found; of method replay, the Observes that a rebuild has replayed",
    labelNames: ["processor", "method", "outcome"],
    registers,
  });
  new Gauge({
    name: "kato_queue_depth",
    help: "Commands in the log that are not applied yet",
    labelNames: ["processor"],
    registers,
    collect() {
      this.reset();
      for (const { processor, last, applied } of states()) this.set({ processor }, last - applied);
    },
  });
  new Gauge({
    name: "kato_processor_up",
    help: "Whether the processor's instance can be reached",
    labelNames: ["processor"],
    registers,
    collect() {
      this.reset();
      for (const { processor, state } of states()) this.set({ processor }, state === "down" ? 0 : 1);
    },
  });
  return {
    registry,
    concluded: (labels) => commands.inc(labels),
    recovered: (labels, count = 1) => recoveries.inc(labels, count),
  };
}
