import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { Answers } from "../answers/answers.ts";
import { IngestionTally } from "../answers/ingestions.ts";
import { CheckpointBook, firstCheckpoint } from "../checkpoint/checkpoint.ts";
import type { Instance } from "../instance/instance.ts";
import { LeaseLost, NatsAway } from "../interruptions.ts";
import { isUnknown } from "../recovery/adopt.ts";
import { applyStep } from "../steps/apply.ts";
import type { Context } from "../steps/context.ts";
import type { Step } from "../steps/step.ts";
import { stepsOf } from "../steps/step.ts";
import { StepWatch } from "../steps/step-watch.ts";
import type { ApplierOptions } from "./applier-options.ts";

/** What the applier works with once its processor's checkpoint is loaded. */
export interface OpenProcessor {
  context: Context;
  answers: Answers;
  tally: IngestionTally;
  /** Applies a step, see `applyStep`; what it takes is measured, and its calls are in its trace. */
  apply: (step: Step) => Promise<void>;
  /** Whether nothing is known of the instance yet. */
  isNew: boolean;
}

/**
 * Loads the processor's checkpoint and writes it once: from then on whoever had it before can write no more (A5). Throws LeaseLost
 * when somebody else comes first.
 */
export async function openProcessor(
  options: ApplierOptions,
  instance: Instance,
  log: Logger,
): Promise<OpenProcessor> {
  const { processor, logs, checkpoints, ingestions, mayCall, callTimeoutMs, send, record, recovered } =
    options;
  await logs.ensure(processor);
  const loaded = await checkpoints.load();
  const book = new CheckpointBook({
    loaded: loaded ?? firstCheckpoint,
    save: (checkpoint) => checkpoints.save(checkpoint),
    onError: (error) => {
      log.error({ err: error }, "cannot write the checkpoint");
      if (error instanceof LeaseLost) options.onLeaseLost();
    },
  });
  await book.ahead({ epoch: options.worker }).catch((error: unknown) => {
    // It would be tried again, and take back what the next book has written by then.
    book.close();
    throw error;
  });
  const tally = new IngestionTally({ processor, book, records: ingestions });
  const answers = new Answers({ book, tally, send, record, log });
  const watch = new StepWatch(options.telemetry);
  const context: Context = {
    processor,
    callTimeoutMs,
    call: async (method, request) => {
      if (!mayCall()) throw new LeaseLost(processor);
      const result = await instance.call(method, request, watch.trace);
      if (result.kind === "answered") log.warn({ method, ...result }, "the instance answered with an error");
      return result;
    },
    book,
    async *readSteps(from, through) {
      for await (const command of commandsOf(options, tally, from.sequence, through)) {
        for (const step of stepsOf(command)) {
          if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;
        }
      }
    },
    firstKept: () => logs.first(processor).catch(natsAway),
    pause: (ms) => sleep(ms),
    conclude: (step, result) => {
      watch.concluded(result.outcome);
      // So that those after it wait for the database instead of failing as well.
      if (result.outcome === "failed" && result.grpcStatus === grpc.OK) instance.suspectDatabase();
      answers.concludeStep(step, result);
    },
    recovered,
    seen: null,
    log,
  };
  const apply = (step: Step) => watch.during(step, () => applyStep(context, step));
  return { context, answers, tally, apply, isNew: isUnknown(loaded) };
}

async function* commandsOf(
  { logs, processor }: ApplierOptions,
  tally: IngestionTally,
  from: number,
  through: number,
): AsyncGenerator<StoredCommand> {
  try {
    for await (const command of logs.readRange(processor, from, through)) {
      await tally.prepare(command);
      yield command;
    }
  } catch (error) {
    natsAway(error);
  }
}

function natsAway(cause: unknown): never {
  throw new NatsAway("the log cannot be read", { cause });
}
