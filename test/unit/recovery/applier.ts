import { CheckpointBook, firstCheckpoint } from "../../../services/worker/checkpoint/checkpoint.ts";
import { adopt, isUnknown } from "../../../services/worker/engine/adopt.ts";
import { applyStep } from "../../../services/worker/engine/apply-step.ts";
import type { Context } from "../../../services/worker/engine/context.ts";
import { reconcile } from "../../../services/worker/engine/reconcile.ts";
import { ask } from "../../../services/worker/instance/questions.ts";
import { Interrupted } from "../../../services/worker/model/interruptions.ts";
import type { Position } from "../../../services/worker/model/position.ts";
import type { Step } from "../../../services/worker/model/step.ts";
import { stepsOf } from "../../../services/worker/model/step.ts";
import type { Result } from "../../../services/worker/model/step-outcome.ts";
import type { HistoryCommand } from "./history.ts";
import type { World } from "./world.ts";

/** What a life of the applier has told of a step, with the interval that clients see. */
export interface Told {
  life: number;
  step: Step;
  result: Result;
  interval: number;
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };
const callTimeoutMs = 2_000;

/** One life of the applier: its loop over the log, as services/worker/processor/processor.ts has it, in a simulated world. */
export async function live(
  world: World,
  life: number,
  log: HistoryCommand[],
  record: (told: Told) => void,
  tell: (told: Told) => void,
): Promise<CheckpointBook> {
  let connection = 0;
  let isNew = isUnknown(world.stored);
  const book = new CheckpointBook({
    loaded: world.stored ?? firstCheckpoint,
    save: (checkpoint) => world.save(life, checkpoint),
    onError: () => {},
    later: (task) => world.later(task),
  });
  const context: Context = {
    processor: "p1",
    callTimeoutMs,
    call: (method, request) => world.call(life, connection, method, request),
    book,
    conclude: (step, result) => {
      const { interval, offset } = book.current;
      const told = { life, step, result, interval: interval + offset };
      record(told);
      // As the applier does: what failed is told once nothing can make another life try it again.
      if (result.outcome !== "failed") tell(told);
      else book.whenPersisted(() => tell(told));
    },
    readSteps: (from, through) => readSteps(log, from, through),
    pause: () => world.pause(life),
    firstKept: async () => log[0]?.sequence ?? 1,
    recovered: () => {},
    seen: null,
    log: silent,
  };
  const isThere = async () => {
    if (connection === world.connection) return;
    connection = world.connection;
    const { interval } = await ask(context.call, "Ping", {});
    if (isNew) await adopt(context, interval);
    isNew = false;
    await reconcile(context, interval);
  };
  const attempt = async (task: () => Promise<void>) => {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      connection = 0;
    }
  };

  await attempt(() => book.ahead({ epoch: `life ${life}` }));
  for (const command of log.filter(({ sequence }) => sequence > book.current.applied)) {
    while (book.current.applied < command.sequence) {
      if (command.expires && !isBegun(book, command)) {
        log.splice(log.indexOf(command), 1);
        book.note({ applied: command.sequence, step: 0 });
        continue;
      }
      await attempt(async () => {
        await isThere();
        const step = book.current.applied < command.sequence && stepsOf(command)[book.current.step];
        if (step) await applyStep(context, step);
      });
    }
  }
  do {
    await attempt(async () => {
      await isThere();
      await book.flush();
    });
  } while (connection !== world.connection);
  return book;
}

function isBegun({ current }: CheckpointBook, { sequence }: HistoryCommand): boolean {
  const { applied, step, mark } = current;
  if (applied >= sequence || step > 0) return true;
  return mark?.at.sequence === sequence;
}

async function* readSteps(log: HistoryCommand[], from: Position, through: number): AsyncGenerator<Step> {
  for (const command of log) {
    if (command.sequence < from.sequence || command.sequence > through) continue;
    for (const step of stepsOf(command)) {
      if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;
    }
  }
}
