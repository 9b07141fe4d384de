import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../libs/commands/command.ts";
import type { LogReader } from "../../libs/commands/log-reader.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import type { Query } from "../../libs/commands/query.ts";
import type { RebuildAnswer, RebuildRequest } from "../../libs/commands/rebuild-request.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { AppliedWaits } from "./applied-waits.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { Interrupted } from "./call.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { firstCheckpoint } from "./checkpoint.ts";
import { passed } from "./effects.ts";
import { firstConnectMs, InstanceKeeper, retryMs } from "./instance-keeper.ts";
import { LeaseLost } from "./lease.ts";
import type { OpenProcessor } from "./open-processor.ts";
import { openProcessor } from "./open-processor.ts";
import { answerQuery } from "./query.ts";
import { rebuildVolatile, rewindTo, surveyRebuild } from "./rebuild-by-hand.ts";
import { endReplay, isReplayed, withoutSender } from "./replay.ts";
import type { Result } from "./result.ts";
import { handedOver, instanceAway, notStartedInTime, refused, unknown } from "./result.ts";
import { Standing } from "./standing.ts";
import { StartGate } from "./start-gate.ts";
import type { Step } from "./step.ts";
import { stepsOf } from "./step.ts";
import type { History } from "./trim.ts";
import { Trimmer } from "./trimmer.ts";

const layAsideEveryMs = 1_000;

/**
 * The one loop that takes a processor's commands in sequence and applies them to its instance.
 *
 * States: *ready* (nothing to do), *applying* (a command is in hand, or more are known to wait), *rebuilding* (the instance is
 * being reconciled), *down* (it cannot be reached: synchronous commands are refused at once and leave the log, the others
 * wait); `Standing` holds them.
 *
 * Invariants: whatever calls the instance holds its keeper's turn (A1). A step is begun only when the one before it has ended (A2), and
 * only on an instance that is reconciled: so it is called once, or again when it is proved that the instance does not have
 * it (A3). What is persisted is never ahead of what the instance has (A5).
 */
export class Applier {
  readonly processor: string;
  readonly #options: ApplierOptions;
  readonly #log: Logger;
  readonly #keeper: InstanceKeeper;
  readonly #gate = new StartGate(() => this.#checkpoint);
  readonly #standing: Standing;
  readonly #waits = new AppliedWaits(() => this.#checkpoint.applied);
  #open: OpenProcessor | undefined;
  /** Resolves once it is open, or stops. */
  readonly #opened = Promise.withResolvers<void>();
  readonly #trimmer: Trimmer;
  /** A replay that was asked for and not begun. */
  #rewinding: ({ from: number } & PromiseWithResolvers<RebuildAnswer>) | undefined;
  #last = 0;
  #storedAtMs = 0;
  #reader: LogReader | undefined;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ApplierOptions) {
    this.processor = options.processor;
    this.#options = options;
    this.#log = options.log.child({ processor: options.processor });
    this.#standing = new Standing(this.#log, options.onState);
    const { processor, endpoint, endpointPolicy, callTimeoutMs, mayCall, telemetry } = options;
    const kept = { standing: this.#standing, gate: this.#gate, log: this.#log };
    this.#keeper = new InstanceKeeper({
      processor,
      endpoint,
      endpointPolicy,
      callTimeoutMs,
      mayCall,
      telemetry,
      ...kept,
    });
    this.#trimmer = new Trimmer(processor, options.logs, (task) => this.#keeper.turn(task));
  }

  /** Stops applying between two commands, or goes on. Queries are answered all the same. */
  setPaused(isPaused: boolean): void {
    this.#standing.setPaused(isPaused);
  }

  /** Takes out of the log what neither a rebuild nor this history needs. */
  async trim(history: History): Promise<void> {
    if (this.#open && this.#options.mayCall()) await this.#trimmer.trim(this.#open.context.book, history);
  }

  /** Rebuilds by hand, or says what that would replay. */
  async rebuild({ from, dryRun }: RebuildRequest): Promise<RebuildAnswer> {
    const context = this.#open?.context;
    if (!context) return { kind: "away" };
    if (dryRun) return surveyRebuild(context, from);
    if (from === undefined) {
      return (await this.#keeper.withInstance(() => rebuildVolatile(context))) ?? { kind: "away" };
    }
    if (this.#standing.paused) return { kind: "paused" };
    if (this.#standing.state === "down") return { kind: "away" };
    this.#rewinding ??= { from, ...Promise.withResolvers<RebuildAnswer>() };
    this.#reader?.close();
    return this.#rewinding.promise;
  }

  /** Begins to apply. Resolves once its checkpoint is loaded, or cannot be at the first attempt; whatever comes then is tried on. */
  start(): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#running = this.#run(opened.resolve).finally(opened.resolve);
    return opened.promise;
  }

  /** Finishes the step in hand, writes the checkpoint, and gives up nothing: whatever is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#opened.resolve();
    this.#waits.close();
    this.#standing.release();
    this.#reader?.close();
    await this.#keeper.close();
    await this.#running;
    await this.#open?.context.book.flush().catch((error) => this.#cannotWrite(error));
  }

  /** How the processor stands. The rates are for the worker to fill in. */
  get state(): ProcessorState {
    const { applied, interval, offset, degraded } = this.#checkpoint;
    return {
      processor: this.processor,
      ...this.#standing.told(this.#keeper),
      worker: this.#options.worker,
      applied,
      last: Math.max(this.#last, applied),
      degraded,
      interval: interval + offset,
      oldestMs: this.#last > applied ? Math.max(0, Date.now() - this.#storedAtMs) : 0,
      rate: 0,
      drainRate: 0,
    };
  }

  /** Answers a query between two commands, and after the one that it is to wait for. */
  async query(query: Query): Promise<Reply> {
    await this.#opened.promise;
    if (this.#standing.state === "down") return unavailable(0);
    if (query.after !== undefined && !(await this.#waits.wait(query.after, query.waitMs ?? 0)))
      return { ...(this.#stopping ? handedOver : notStartedInTime), sequence: 0 };
    const result = await this.#keeper.withInstance(() =>
      answerQuery(this.#keeper.instance.call, query, this.#checkpoint.latestUniqueId),
    );
    if (!result && (this.#stopping || !this.#options.mayCall())) return { ...handedOver, sequence: 0 };
    return (result && this.#open?.answers.replyOf(result, 0)) || unavailable(0);
  }

  /**
   * Says of a command that somebody has stopped waiting for: `expired` when it had not been started, and then it
   * never will be; its reply when that was sent and did not arrive; `unknown` otherwise.
   */
  cancel(sequence: number): Reply {
    if (!this.#options.mayCall() || !this.#gate.cancel(sequence)) {
      return this.#open?.answers.abandon(sequence) ?? { ...unknown("started"), sequence };
    }
    return { ...notStartedInTime, sequence };
  }

  get #checkpoint(): Checkpoint {
    return this.#open?.context.book.current ?? firstCheckpoint;
  }

  async #run(onOpened: () => void): Promise<void> {
    await this.#persist(async () => {
      this.#open = await openProcessor(this.#options, this.#keeper.instance, this.#log).finally(onOpened);
      this.#keeper.open(this.#open);
      this.#opened.resolve();
    });
    const open = this.#open;
    if (!open) return;
    const layingAside = setInterval(() => {
      open.tally.layAside().catch((error) => this.#cannotWrite(error));
    }, layAsideEveryMs);
    await Promise.all([
      this.#persist(async () => {
        while (!this.#stopping) {
          await this.#rewind(open);
          await this.#readLog(open);
        }
      }),
      this.#persist(() => this.#keeper.watch()),
    ]).finally(() => clearInterval(layingAside));
  }

  /** Runs `task` to its end, again after a failure, but not without the lease. */
  async #persist(task: () => Promise<void>): Promise<void> {
    while (!this.#stopping) {
      try {
        return await task();
      } catch (error) {
        if (error instanceof LeaseLost) {
          this.#log.error({ reason: error.message }, "the lease is gone, leaving the processor alone");
          this.#options.onLeaseLost();
          return;
        }
        this.#log.error({ err: error }, "cannot go on, trying again");
        await sleep(retryMs);
      }
    }
  }

  /** Takes the processor back in its log, where that was asked for. Nothing is in hand that was begun. */
  async #rewind({ context }: OpenProcessor): Promise<void> {
    const rewinding = this.#rewinding;
    if (!rewinding) return;
    let answer: RebuildAnswer | undefined;
    try {
      answer = await this.#keeper.withInstance(() => rewindTo(context, rewinding.from));
      this.#gate.reconciled();
      // Whoever is answered that it is replaying sees it so.
      if (this.#checkpoint.replaying) this.#standing.become("rebuilding");
      this.#options.onState();
    } finally {
      this.#rewinding = undefined;
      rewinding.resolve(answer ?? { kind: "away" });
    }
  }

  /** Takes the commands of the log as they come, until the reader is closed. */
  async #readLog(open: OpenProcessor): Promise<void> {
    const reader = this.#options.logs.read(this.processor, this.#checkpoint.applied + 1);
    this.#reader = reader;
    try {
      this.#last = this.#checkpoint.applied + (await reader.pending());
      if (this.#stopping || this.#rewinding) return;
      for await (const { command, behind } of reader.commands()) {
        this.#last = command.sequence + behind;
        this.#storedAtMs = command.storedAtMs ?? Date.now();
        await open.tally.prepare(command);
        await this.#take(open, isReplayed(open.context, command.sequence) ? withoutSender(command) : command);
        if (this.#checkpoint.applied < command.sequence) return;
        this.#gate.forget(command.sequence);
        if (endReplay(open.context)) this.#standing.become("applying");
        this.#waits.check();
        if (this.#rewinding) return;
        if (this.#standing.state === "applying" && command.sequence >= this.#last)
          this.#standing.become("ready");
      }
    } finally {
      reader.close();
    }
  }

  /** Takes one command to its end, however long its instance is away. */
  async #take(open: OpenProcessor, command: StoredCommand): Promise<void> {
    let perhapsPoisoned = false;
    let isClaimed = command.once === undefined;
    this.#gate.takeInHand(command.sequence);
    while (!this.#stopping && this.#checkpoint.applied < command.sequence) {
      if (this.#rewinding && !this.#gate.isBegun(command)) return;
      if (this.#standing.paused && !this.#gate.isBegun(command)) {
        await this.#standing.paused;
        continue;
      }
      isClaimed ||=
        this.#gate.isBegun(command) || this.#gate.isOver(command) || (await this.#options.claim(command));
      if (!isClaimed) {
        await this.#leaveOut(open, command);
        open.answers.refuse(command, appliedBefore);
        return;
      }
      const end = await this.#keeper.turn(() => this.#attempt(open, command, perhapsPoisoned));
      if (end === "failed") perhapsPoisoned = true;
      else if (end === "applied") perhapsPoisoned = false;
      if (end === "late") await this.#expire(open, command, notStartedInTime);
      if (end !== "away") continue;
      this.#standing.become("down", this.#keeper.whyDown);
      if (command.deadlineMs !== undefined && !this.#gate.isBegun(command)) {
        await this.#expire(open, command, instanceAway);
      } else {
        await this.#keeper.instance.connectionChange(retryMs);
      }
    }
  }

  /** Applies the command's next step, if its time has not passed and its instance is there. */
  async #attempt(
    open: OpenProcessor,
    command: StoredCommand,
    perhapsPoisoned: boolean,
  ): Promise<"applied" | "late" | "paused" | "away" | "failed"> {
    try {
      if (this.#gate.isLate(command)) return "late";
      const isThere = await this.#keeper.prepare(this.#standing.state === "down" ? 0 : firstConnectMs);
      if (!isThere) return "away";
      // Reconciling may have found it applied.
      const step = this.#nextStep(command);
      if (!step) return "applied";
      if (perhapsPoisoned) return this.#passPoisoned(open, step);
      if (this.#standing.paused && !this.#gate.isBegun(command)) return "paused";
      // Between this and `begin` nothing waits, so whoever was told that it will not be started was told the truth.
      if (this.#gate.isOver(command)) return "late";
      this.#standing.become(isReplayed(open.context, command.sequence) ? "rebuilding" : "applying");
      this.#gate.begin(command.sequence);
      await open.apply(step);
      return "applied";
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.#keeper.doubt(error);
      if (error instanceof Interrupted) {
        const { message: reason, cause } = error;
        this.#log.warn(
          { sequence: command.sequence, reason, ...(cause ? { err: cause } : {}) },
          "interrupted",
        );
        return "away";
      }
      this.#log.error({ err: error, sequence: command.sequence }, "cannot make sense of an answer");
      return "failed";
    }
  }

  /** A step that ends in nonsense every time must not stop the log: nobody can say what became of it (A7). */
  async #passPoisoned({ context, answers }: OpenProcessor, step: Step): Promise<"applied"> {
    const { book } = context;
    book.note(passed(step));
    answers.concludeStep(step, unknown("the instance's answer makes no sense"));
    await book.flush();
    return "applied";
  }

  #nextStep(command: StoredCommand): Step | undefined {
    const { applied, step } = this.#checkpoint;
    return applied < command.sequence ? stepsOf(command)[step] : undefined;
  }

  async #expire(open: OpenProcessor, command: StoredCommand, result: Result): Promise<void> {
    await this.#leaveOut(open, command);
    open.answers.answer(command, result);
  }

  /** Passes a command that was not started: it leaves the log first, so what stands in it up to `applied` was applied. */
  async #leaveOut({ context }: OpenProcessor, { sequence }: StoredCommand): Promise<void> {
    await this.#options.logs.delete(this.processor, sequence);
    context.book.note({ applied: sequence, step: 0 });
  }

  #cannotWrite(error: unknown): void {
    this.#log.error({ err: error }, "cannot write the checkpoint");
  }
}

const appliedBefore = refused(grpc.ALREADY_EXISTS, "another command of this Idempotency-Key was started");

function unavailable(sequence: number): Reply {
  return { ...instanceAway, sequence };
}
