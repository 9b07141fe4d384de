import { status as grpc } from "@grpc/grpc-js";
import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Answers } from "../answers/answers.ts";
import { passed } from "../checkpoint/effects.ts";
import type { Position } from "../checkpoint/position.ts";
import { comparePositions } from "../checkpoint/position.ts";
import type { Instance } from "../instance/instance.ts";
import { Interrupted, LeaseLost } from "../interruptions.ts";
import { isReplayed } from "../recovery/replay.ts";
import type { Context } from "../steps/context.ts";
import type { Result } from "../steps/result.ts";
import { instanceAway, notStartedInTime, refused, unknown } from "../steps/result.ts";
import type { Step } from "../steps/step.ts";
import { stepsOf } from "../steps/step.ts";
import type { ApplierOptions } from "./applier-options.ts";
import type { InstanceKeeper } from "./instance-keeper.ts";
import { firstConnectMs, retryMs } from "./instance-keeper.ts";
import type { OpenProcessor } from "./open-processor.ts";
import type { Standing } from "./standing.ts";
import type { StartGate } from "./start-gate.ts";

type Open = Pick<OpenProcessor, "apply"> & {
  context: Pick<Context, "processor" | "book">;
  answers: Pick<Answers, "answer" | "refuse" | "concludeStep">;
};

/** What taking a command needs of its applier. */
export interface Taking {
  open: Open;
  keeper: Pick<InstanceKeeper, "turn" | "prepare" | "doubt" | "whyDown"> & {
    instance: Pick<Instance, "connectionChange">;
  };
  gate: StartGate;
  standing: Standing;
  logs: Pick<CommandLogs, "delete">;
  claim: ApplierOptions["claim"];
  /** Whether the applier stops: then what is in hand is left where it is. */
  isStopping: () => boolean;
  /** Whether the applier has something else to do first: then what is not begun is left. */
  isCalledAway: () => boolean;
  log: Pick<Logger, "warn" | "error">;
}

/**
 * Takes one command to its end, however long its instance is away: it is applied step by step, or, where its time passes before it is
 * begun, taken out of the log. Rejects where NATS cannot be asked, and with LeaseLost (A4); then it is to be taken again.
 */
export async function takeCommand(taking: Taking, command: StoredCommand): Promise<void> {
  const { open, keeper, gate, standing } = taking;
  let poisoned: Position | undefined;
  let isClaimed = command.once === undefined;
  gate.takeInHand(command.sequence);
  while (!taking.isStopping() && open.context.book.current.applied < command.sequence) {
    if (taking.isCalledAway() && !gate.isBegun(command)) return;
    if (standing.paused && !gate.isBegun(command)) {
      await standing.paused;
      continue;
    }
    isClaimed ||= gate.isBegun(command) || gate.isOver(command) || (await taking.claim(command));
    if (!isClaimed) {
      await leaveOut(taking, command);
      open.answers.refuse(command, appliedBefore);
      return;
    }
    const end = await keeper.turn(() => attempt(taking, command, poisoned));
    if (typeof end === "object") poisoned = end;
    if (end === "late") await expire(taking, command, notStartedInTime);
    if (end !== "away") continue;
    standing.become("down", keeper.whyDown);
    if (command.deadlineMs !== undefined && !gate.isBegun(command)) {
      await expire(taking, command, instanceAway);
    } else {
      await keeper.instance.connectionChange(retryMs);
    }
  }
}

/**
 * Applies the command's next step, if its time has not passed and its instance is there; passes it over where it is the `poisoned`
 * one. Gives the step's position where its answer made no sense.
 */
async function attempt(
  { open, keeper, gate, standing, log }: Taking,
  command: StoredCommand,
  poisoned: Position | undefined,
): Promise<"applied" | "late" | "paused" | "away" | Position> {
  const { sequence } = command;
  let step: Step | undefined;
  try {
    if (gate.isLate(command)) return "late";
    const isThere = await keeper.prepare(standing.state === "down" ? 0 : firstConnectMs);
    if (!isThere) return "away";
    // Reconciling may have found it applied.
    step = nextStep(open, command);
    if (!step) return "applied";
    if (poisoned && comparePositions(step.at, poisoned) === 0) {
      await passPoisoned(open, step);
      return "applied";
    }
    if (standing.paused && !gate.isBegun(command)) return "paused";
    // Between this and `begin` nothing waits, so whoever was told that it will not be started was told the truth.
    if (gate.isOver(command)) return "late";
    standing.become(isReplayed(open.context, sequence) ? "rebuilding" : "applying");
    gate.begin(sequence);
    await open.apply(step);
    return "applied";
  } catch (error) {
    if (error instanceof LeaseLost) throw error;
    keeper.doubt(error);
    if (error instanceof Interrupted) {
      const { message: reason, cause } = error;
      log.warn({ sequence, reason, ...(cause ? { err: cause } : {}) }, "interrupted");
      return "away";
    }
    if (!step) throw error;
    log.error({ err: error, sequence }, "cannot make sense of an answer");
    return step.at;
  }
}

/** A step that ends in nonsense every time must not stop the log: nobody can say what became of it (A7). */
async function passPoisoned({ context, answers }: Open, step: Step): Promise<void> {
  const { book } = context;
  book.note(passed(step));
  answers.concludeStep(step, unknown("the instance's answer makes no sense"));
  await book.flush();
}

function nextStep({ context }: Open, command: StoredCommand): Step | undefined {
  const { applied, step } = context.book.current;
  return applied < command.sequence ? stepsOf(command)[step] : undefined;
}

async function expire(taking: Taking, command: StoredCommand, result: Result): Promise<void> {
  // NATS may take it out of the log later than it says, so it must not be begun even where that seems to have failed (A2).
  if (!taking.gate.cancel(command.sequence)) return;
  await leaveOut(taking, command);
  taking.open.answers.answer(command, result);
}

/** Passes a command that was not started: it leaves the log first, so what stands in it up to `applied` was applied. */
async function leaveOut({ open, logs }: Taking, { sequence }: StoredCommand): Promise<void> {
  const { processor, book } = open.context;
  await logs.delete(processor, sequence);
  book.note({ applied: sequence, step: 0 });
}

const appliedBefore = refused(grpc.ALREADY_EXISTS, "another command of this Idempotency-Key was started");
