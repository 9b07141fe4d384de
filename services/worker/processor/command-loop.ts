import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import { areNumbersToMove, lostBefore, reaching, taken } from "../checkpoint/log-gaps.ts";
import { applyStep } from "../engine/apply-step.ts";
import { endReplay, withoutClient } from "../engine/replay.ts";
import { Interrupted, LeaseLost, NotBegun } from "../model/interruptions.ts";
import type { Position } from "../model/position.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { stepsOf } from "../model/step.ts";
import { instanceAway, notStartedInTime } from "../model/step-outcome.ts";
import { nameNewLog } from "./check-log.ts";
import { firstConnectMs, retryMs } from "./instance-supervisor.ts";
import { expire, leaveOutForKey, passOver } from "./leave-out.ts";
import { passLost, passLostAtEnd } from "./pass-lost.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";
import type { ProcessorParts } from "./processor-parts.ts";

/**
 * The heart of the worker: takes the commands of a processor's log in sequence, and brings each to its end
 * before the next.
 *
 * | state      | means                                                 | commands meanwhile                 |
 * | ---------- | ----------------------------------------------------- | ---------------------------------- |
 * | ready      | there is nothing to do                                | are applied                        |
 * | applying   | a command is in hand, or more are known to wait       | are applied in sequence            |
 * | rebuilding | the instance is being reconciled, or the log replayed | wait                               |
 * | down       | the instance, or its database, cannot be reached      | wait; with a deadline: are refused |
 * | paused     | it was paused by hand, and it is not down             | wait, except one that was begun    |
 * | held       | nobody can prove what the instance has                | wait until somebody decides        |
 *
 * Invariants: a step is begun only when the one before it has ended (A2), and only on an instance that is
 * reconciled. It is called a second time only if it is proved that the instance does not have it, or that a
 * second time does no harm (A3). A command is removed from the log only if it certainly was not begun. So
 * every command that is in the log up to `applied` was applied. It is persisted first that it must not be
 * begun. So a sequence that is missing from the log for any other reason is a command that was lost.
 */
export class CommandLoop {
  readonly #environment: ProcessorEnvironment;
  readonly #parts: ProcessorParts;
  readonly #onApplied: () => void;
  #reader: { close(): void; readonly isClosed: boolean } | undefined;
  #isStopping = false;
  #last = 0; // `last`, unless more is applied
  /** When the command in hand was stored (Unix ms, by JetStream's clock). */
  #storedAtMs = 0;
  /** The steps of the command in hand. There can be ten thousands, so they are decoded once. */
  #steps: { command: StoredCommand; steps: Step[] } | undefined;

  /** `onApplied` is called after each command that has ended. */
  constructor(environment: ProcessorEnvironment, parts: ProcessorParts, onApplied: () => void) {
    this.#environment = environment;
    this.#parts = parts;
    this.#onApplied = onApplied;
  }

  /** The last known sequence of the log. */
  get last(): number {
    return Math.max(this.#last, this.#parts.context.checkpoint.current.applied);
  }

  /** How long the oldest command has waited in the log. */
  get oldestMs(): number {
    const isWaiting = this.#last > this.#parts.context.checkpoint.current.applied;
    return isWaiting ? Math.max(0, this.#environment.clock.storeMs() - this.#storedAtMs) : 0;
  }

  /**
   * Takes the commands of the log as they come, until `interrupt` or `stop`. `end` is its last sequence when it was
   * compared with the checkpoint just now: what was stored and removed since shows with the next command. Rejects if
   * NATS does not answer, and with LeaseLost.
   */
  async run(end = Number.POSITIVE_INFINITY): Promise<void> {
    const { context, gate, outcomes, replay, status, supervisor } = this.#parts;
    const { stores, processor, clock } = this.#environment;
    const { checkpoint } = context;
    // An earlier worker may have died between the last command of a replay and its end.
    if (endReplay(context) && status.state === "rebuilding") status.become("ready");
    const reader = stores.logs.read(processor, checkpoint.current.applied + 1, () => {
      supervisor.isLogInDoubt = true;
    });
    this.#reader = reader;
    const lookAgain = () => this.interrupt();
    try {
      const pending = await reader.pending();
      this.#last = checkpoint.current.applied + pending;
      let isEndChecked = pending === 0;
      let isNamed = false;
      if (isEndChecked && end > checkpoint.current.applied)
        await passLostAtEnd(this.#environment, this.#parts, lookAgain);
      if (this.#isStopping || (replay.from !== undefined && !gate.isNextBegun)) return;
      for await (const { command, behind } of reader.commands()) {
        const { sequence } = command;
        this.#last = sequence + behind;
        this.#storedAtMs = command.storedAtMs ?? clock.storeMs();
        checkpoint.update(taken(checkpoint.current, command, this.#last, clock.storeMs()));
        if (!isNamed) await nameNewLog(this.#environment, context);
        isNamed = true;
        await outcomes.counter.prepare(command);
        await this.#bringToEnd(isReplayed(checkpoint.current, sequence) ? withoutClient(command) : command);
        if (checkpoint.current.applied < sequence) return;
        gate.forget(sequence);
        if (endReplay(context)) status.become("applying");
        this.#onApplied();
        if (replay.from !== undefined || areNumbersToMove(checkpoint.current, this.#last)) return;
        if (sequence < this.#last) continue;
        if (!isEndChecked || (checkpoint.current.log?.end ?? 0) > sequence) {
          await passLostAtEnd(this.#environment, this.#parts, lookAgain);
        }
        isEndChecked = true;
        if (status.state === "applying") status.become("ready");
      }
    } finally {
      reader.close();
    }
  }

  /** Notes where the log ends: it may lose what nobody has taken, and NATS may count what it cannot read. */
  sawEnd(last: number): void {
    const { context, gate, status, supervisor } = this.#parts;
    const { log, applied } = context.checkpoint.current;
    if (!log || !this.#reader || this.#reader.isClosed || supervisor.isLogInDoubt) return;
    const nowMs = this.#environment.clock.storeMs();
    if (last > log.end) context.checkpoint.update({ log: reaching(log, last, nowMs) });
    if (applied < last || this.#last <= applied || !gate.isNothingBegun) return;
    this.#last = applied;
    if (status.state === "applying") status.become("ready");
  }

  /**
   * Has `run` return before the next command. If the command in hand is not begun, it returns before that
   * one.
   */
  interrupt(): void {
    this.#reader?.close();
  }

  /** As `interrupt`, and for good. */
  stop(): void {
    this.#isStopping = true;
    this.#parts.status.release();
    this.#reader?.close();
  }

  /**
   * Brings a command to its end, however long the instance is away: waits until the instance is ready and
   * reconciled, claims the command's key, applies it step by step, and concludes it. A command whose deadline
   * passes before it is begun is removed from the log instead. So is a command whose Idempotency-Key another
   * command has.
   */
  async #bringToEnd(command: StoredCommand): Promise<void> {
    const { context, gate, replay, status, supervisor } = this.#parts;
    const { stores } = this.#environment;
    /** The step whose answer made no sense. It is not tried again. */
    let notUnderstoodAt: Position | undefined;
    let isClaimed = command.once === undefined;
    gate.takeInHand(command);
    while (!this.#isStopping && context.checkpoint.current.applied < command.sequence) {
      if (context.checkpoint.current.held || supervisor.isLogInDoubt) return;
      const isBegun = gate.isBegun(command);
      if (this.#reader?.isClosed && !isBegun) return;
      if (replay.from !== undefined && !isBegun) return;
      if (status.isPaused && !isBegun) {
        await status.resumed();
        continue;
      }
      const end = await supervisor.inUse(() => this.#attempt(command, { notUnderstoodAt, isClaimed }));
      if (typeof end === "object") notUnderstoodAt = end;
      if (end === "unclaimed") {
        isClaimed = await stores.outcomes.claim(command);
        if (isClaimed) continue;
        return leaveOutForKey(this.#environment, this.#parts, command);
      }
      if (end === "late") await expire(this.#environment, this.#parts, command, notStartedInTime);
      if (end !== "away") continue;
      if (context.checkpoint.current.held) return;
      status.become("down", supervisor.whyDown);
      if (
        command.deadlineMs !== undefined &&
        !gate.mayBeBegun(command) &&
        !lostBefore(context.checkpoint.current, command.sequence)
      ) {
        await expire(this.#environment, this.#parts, command, instanceAway);
      } else {
        await context.instance.connectionChange(retryMs);
      }
    }
  }

  /**
   * Applies the command's next step, if its time has not passed and the instance is there. Resolves to the
   * step's position if its answer made no sense.
   */
  async #attempt(
    command: StoredCommand,
    { notUnderstoodAt, isClaimed }: { notUnderstoodAt: Position | undefined; isClaimed: boolean },
  ): Promise<"applied" | "late" | "paused" | "unclaimed" | "away" | Position> {
    const { context, gate, status, supervisor, takeover, telemetry } = this.#parts;
    const { sequence } = command;
    let step: Step | undefined;
    try {
      // What was lost before it may have been applied. Only the instance can show that.
      if (gate.isLate(command) && !lostBefore(context.checkpoint.current, command.sequence)) return "late";
      if (!(await supervisor.prepare(status.state === "down" ? 0 : firstConnectMs))) return "away";
      const lost = lostBefore(context.checkpoint.current, command.sequence);
      if (lost) await passLost(this.#environment, this.#parts, lost);
      // Reconciling may have found it applied.
      step = this.#nextStep(command);
      if (!step) return "applied";
      if (notUnderstoodAt && comparePositions(step.at, notUnderstoodAt) === 0)
        return await passOver(context, step);
      if (status.isPaused && !gate.isBegun(command)) return "paused";
      if (!isClaimed && !gate.mustNotBegin(command)) return "unclaimed";
      if (gate.mustNotBegin(command)) return "late";
      status.become(isReplayed(context.checkpoint.current, sequence) ? "rebuilding" : "applying");
      gate.prepare(sequence);
      telemetry.begin(step);
      await applyStep(context, step);
      await takeover.check();
      return "applied";
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      if (error instanceof NotBegun) return "late";
      supervisor.doubt(error);
      if (error instanceof Interrupted) {
        const { message: reason, cause } = error;
        context.log.warn({ sequence, reason, ...(cause ? { err: cause } : {}) }, "interrupted");
        return "away";
      }
      if (!step) throw error;
      context.log.error({ err: error, sequence }, "cannot make sense of an answer");
      return step.at;
    } finally {
      telemetry.end();
    }
  }

  #nextStep(command: StoredCommand): Step | undefined {
    const { applied, step } = this.#parts.context.checkpoint.current;
    if (applied >= command.sequence) {
      this.#steps = undefined;
      return undefined;
    }
    if (this.#steps?.command !== command) this.#steps = { command, steps: stepsOf(command) };
    return this.#steps.steps[step];
  }
}
