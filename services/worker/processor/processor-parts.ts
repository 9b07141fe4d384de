import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { Context } from "../engine/context.ts";
import { nothingLearned } from "../engine/learned-here.ts";
import { CallTelemetry } from "../instance/call-telemetry.ts";
import { Instance } from "../instance/instance.ts";
import { CommandOutcomes } from "../outcomes/command-outcomes.ts";
import { IngestionCounter } from "../outcomes/ingestion-counter.ts";
import { CancellationGate } from "./cancellation.ts";
import { InstanceSupervisor } from "./instance-supervisor.ts";
import { LogHistory } from "./log-history.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";
import { ReplayRequest } from "./replay-request.ts";
import type { Status } from "./status.ts";
import { StepTelemetry } from "./step-telemetry.ts";
import { Takeover } from "./takeover.ts";

/** The parts of one processor. */
export interface ProcessorParts {
  context: Context;
  supervisor: InstanceSupervisor;
  gate: CancellationGate;
  status: Status;
  outcomes: CommandOutcomes;
  replay: ReplayRequest;
  telemetry: StepTelemetry;
  takeover: Takeover;
}

/** Makes the parts of a processor. `loaded` is the checkpoint as the earlier worker has left it. */
export function partsOf(
  environment: ProcessorEnvironment,
  checkpoint: CheckpointWriter,
  loaded: Checkpoint,
  status: Status,
): ProcessorParts {
  const { processor, port, lease, settings, stores, events, clock } = environment;
  const { callTimeoutMs, mendsForeignCalls } = settings;
  const { metrics, tracing, log } = environment.telemetry;
  const calls = new CallTelemetry(metrics, tracing);
  const instance = new Instance({ processor, port, lease, callTimeoutMs, telemetry: calls, clock, log });
  const counter = new IngestionCounter({ processor, checkpoint, records: stores.ingestions });
  const telemetry = new StepTelemetry({ processor, metrics, tracing, clock, instance });
  const outcomes = new CommandOutcomes({
    checkpoint,
    counter,
    record: (command, reply) => stores.outcomes.record(command, reply, lease),
    reply: (subject, reply) => events.reply(subject, reply),
    metrics,
    log,
  });
  const gate = new CancellationGate(checkpoint, clock);
  const context: Context = {
    instance,
    checkpoint,
    begin: ({ command }) => gate.begin(command),
    history: new LogHistory(processor, stores.logs, counter, () => supervisor.isLogInDoubt),
    outcomes: {
      concludeStep: (step, outcome) => {
        telemetry.concluded(outcome.outcome);
        outcomes.concludeStep(step, outcome);
      },
    },
    recovery: {
      mendsForeignCalls,
      count: (method, outcome, count) => metrics.recovered({ processor, method, outcome }, count),
    },
    pause: (ms) => clock.sleep(ms),
    memory: {
      latestAnswer: null,
      takenBack: null,
      unaccounted: Number.POSITIVE_INFINITY,
      unaskedVectors: [],
      suspect: null,
      learned: nothingLearned(),
    },
    log,
  };
  const supervisor = new InstanceSupervisor({
    context,
    lease,
    status,
    gate,
    clock,
    lastStored: () => stores.logs.last(processor),
    idleProbeMs: settings.idleProbeMs,
  });
  const replay = new ReplayRequest();
  const takeover = new Takeover(environment, context, supervisor, loaded);
  return { context, supervisor, gate, status, outcomes, replay, telemetry, takeover };
}
