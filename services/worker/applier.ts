import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../libs/commands/command.ts";
import type { Ingestions } from "../../libs/commands/ingestion.ts";
import type { CommandLogs } from "../../libs/commands/log.ts";
import type { LogReader } from "../../libs/commands/log-reader.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import type { Query } from "../../libs/commands/query.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { adopt, isUnknown } from "./adopt.ts";
import { AppliedWaits } from "./applied-waits.ts";
import { applyStep } from "./apply.ts";
import { Interrupted } from "./call.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointBook, firstCheckpoint } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import type { Context } from "./context.ts";
import { passed } from "./effects.ts";
import { IngestionTally } from "./ingestions.ts";
import { Instance } from "./instance.ts";
import { LeaseLost } from "./lease.ts";
import { answerQuery } from "./query.ts";
import { RecentReplies } from "./recent-replies.ts";
import { reconcile } from "./reconcile.ts";
import type { Result } from "./result.ts";
import { refused, resultOfSteps, unknown } from "./result.ts";
import type { Step } from "./step.ts";
import { stepsOf } from "./step.ts";
import { trimmedBelow } from "./trim.ts";
import { Turns } from "./turns.ts";

export interface ApplierOptions {
  processor: string;
  endpoint: string;
  /** Who runs it, for people. */
  worker: string;
  /** Whether this worker may still call the instance (A4). */
  mayCall: () => boolean;
  logs: Pick<CommandLogs, "ensure" | "read" | "readRange" | "delete" | "trim">;
  checkpoints: CheckpointStore;
  ingestions: Pick<Ingestions, "counts" | "putCounts">;
  /** Sends a reply to whoever waits for it. */
  send: (subject: string, reply: Reply) => void;
  /**
   * Keeps what became of a command, before the checkpoint says that it is applied; undefined where there is nothing to
   * keep. After a crash it may be told of one again.
   */
  record: (command: StoredCommand, reply: Reply) => Promise<void> | undefined;
  /** Whether a command under an Idempotency-Key may be started: not when another of that key was. */
  claim: (command: StoredCommand) => Promise<boolean>;
  /** Called when it has left the processor alone for want of the lease: whoever runs it may begin anew. */
  onLeaseLost: () => void;
  /** Called when the instance goes and when it is back. */
  onState: () => void;
  callTimeoutMs: number;
  log: Logger;
}

const firstConnectMs = 1_000;
const retryMs = 500;
/** An instance may come to be doubted while its connection stands. */
const lookAgainMs = 1_000;
const layAsideEveryMs = 1_000;

/**
 * The one loop that takes a processor's commands in sequence and applies them to its instance.
 *
 * States: *ready* (nothing to do), *applying* (a command is in hand, or more are known to wait), *rebuilding* (the instance is
 * being reconciled), *down* (it cannot be reached: synchronous commands are refused at once and leave the log, the others
 * wait). `#setState` alone changes them.
 *
 * Invariants: whatever calls the instance holds the turn (A1). A step is begun only when the one before it has ended (A2), and
 * only on an instance that is reconciled: so it is called once, or again when it is proved that the instance does not have
 * it (A3). What is persisted is never ahead of what the instance has (A5).
 */
export class Applier {
  readonly processor: string;
  readonly #options: ApplierOptions;
  readonly #log: Logger;
  readonly #instance: Instance;
  readonly #turns = new Turns();
  readonly #cancelled = new Set<number>();
  /** Begun, but nobody waits for them any more. */
  readonly #abandoned = new Set<number>();
  readonly #recent = new RecentReplies();
  readonly #waits = new AppliedWaits(() => this.#checkpoint.applied);
  /** What came of the steps of commands that are not concluded yet. */
  readonly #results = new Map<number, (Result | undefined)[]>();
  #context: Context | undefined;
  #tally: IngestionTally | undefined;
  #isNew = false;
  #hasReconciled = false;
  /** Resolved when it is to go on; undefined while it is not paused. */
  #paused: PromiseWithResolvers<void> | undefined;
  #trimmedBelow = 1;
  #inHand = 0;
  /** Up to where commands may have been begun: before the first reconciling nobody knows. */
  #started = Number.POSITIVE_INFINITY;
  #last = 0;
  #state: ProcessorState["state"] = "ready";
  #since = Date.now();
  #reader: LogReader | undefined;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ApplierOptions) {
    this.processor = options.processor;
    this.#options = options;
    this.#log = options.log.child({ processor: options.processor });
    this.#instance = new Instance(options.endpoint, options.callTimeoutMs);
  }

  /** Stops applying between two commands, or goes on. Queries are answered all the same. */
  setPaused(isPaused: boolean): void {
    if (isPaused === (this.#paused !== undefined)) return;
    this.#paused?.resolve();
    this.#paused = isPaused ? Promise.withResolvers<void>() : undefined;
    this.#since = Date.now();
    this.#log.info(isPaused ? "paused" : "resumed");
  }

  /** Takes out of the log what neither a rebuild nor a history of this many commands needs. */
  async trim(history: number): Promise<void> {
    if (!this.#context || !this.#options.mayCall()) return;
    const below = trimmedBelow(this.#context.book.persisted, history);
    if (below <= this.#trimmedBelow) return;
    await this.#options.logs.trim(this.processor, below);
    this.#trimmedBelow = below;
  }

  /** Begins to apply. Does not wait for anything. */
  start(): void {
    this.#running = this.#run();
  }

  /** Finishes the step in hand, writes the checkpoint, and gives up nothing: whatever is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#waits.close();
    this.#paused?.resolve();
    this.#reader?.close();
    // Without the lease nothing is waited for: a call under way goes on in the instance, and its answer is of no use.
    if (!this.#options.mayCall()) this.#instance.close();
    await this.#turns.run(async () => this.#instance.close());
    await this.#running;
    await this.#context?.book.flush().catch((error) => this.#cannotWrite(error));
  }

  /** How the processor stands. `rate` is for the worker to fill in. */
  get state(): ProcessorState {
    const { applied, interval, offset, degraded } = this.#checkpoint;
    return {
      processor: this.processor,
      state: this.#paused && this.#state !== "down" ? "paused" : this.#state,
      since: this.#since,
      reason: this.#state === "down" ? "its instance cannot be reached" : "",
      worker: this.#options.worker,
      applied,
      last: Math.max(this.#last, applied),
      degraded,
      interval: interval + offset,
      rate: 0,
    };
  }

  /** Answers a query between two commands, and after the one that it is to wait for. */
  async query(query: Query): Promise<Reply> {
    if (this.#state === "down") return this.#unavailable(0);
    if (query.after !== undefined && !(await this.#waits.wait(query.after, query.waitMs ?? 0)))
      return this.#stopping ? this.#unavailable(0) : this.#replyOf(notStartedInTime, 0);
    const result = await this.#turns.run(async () => {
      try {
        const isThere = await this.#prepare(firstConnectMs);
        return isThere && (await answerQuery(this.#instance.call, query, this.#checkpoint.latestUniqueId));
      } catch (error) {
        if (error instanceof Interrupted) return undefined;
        throw error;
      }
    });
    return result ? this.#replyOf(result, 0) : this.#unavailable(0);
  }

  /**
   * Says of a command that somebody has stopped waiting for: `expired` when it had not been started, and then it
   * never will be; its reply when that was sent and did not arrive; `unknown` otherwise.
   */
  cancel(sequence: number): Reply {
    const { applied } = this.#checkpoint;
    if (sequence <= Math.max(this.#started, applied) || !this.#options.mayCall()) {
      if (sequence > applied) this.#abandoned.add(sequence);
      return this.#recent.get(sequence) ?? { ...unknown("started"), sequence };
    }
    this.#cancelled.add(sequence);
    return { ...notStartedInTime, sequence };
  }

  get #checkpoint(): Checkpoint {
    return this.#context?.book.current ?? firstCheckpoint;
  }

  async #run(): Promise<void> {
    await this.#persist(async () => {
      this.#context = await this.#open();
    });
    const context = this.#context;
    if (!context) return;
    const layingAside = setInterval(() => {
      this.#tally?.layAside().catch((error) => this.#cannotWrite(error));
    }, layAsideEveryMs);
    await Promise.all([
      this.#persist(() => this.#readLog(context)),
      this.#persist(() => this.#watchInstance()),
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

  async #open(): Promise<Context> {
    const { logs, checkpoints, mayCall, callTimeoutMs } = this.#options;
    await logs.ensure(this.processor);
    const loaded = await checkpoints.load();
    this.#isNew = isUnknown(loaded);
    const processor = this.processor;
    const book = new CheckpointBook({
      loaded: loaded ?? firstCheckpoint,
      save: (checkpoint) => checkpoints.save(checkpoint),
      onError: (error) => this.#cannotWrite(error),
    });
    await book.ahead({ epoch: this.#options.worker });
    const tally = new IngestionTally({ processor, book, records: this.#options.ingestions });
    this.#tally = tally;
    return {
      processor,
      callTimeoutMs,
      call: async (method, request) => {
        if (!mayCall()) throw new LeaseLost(processor);
        const result = await this.#instance.call(method, request);
        if (result.kind === "answered")
          this.#log.warn({ method, ...result }, "the instance answered with an error");
        return result;
      },
      book,
      async *readSteps(from, through) {
        for await (const command of logs.readRange(processor, from.sequence, through)) {
          await tally.prepare(command);
          for (const step of stepsOf(command)) {
            if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;
          }
        }
      },
      pause: (ms) => sleep(ms),
      conclude: (step, result) => this.#concludeStep(step, result),
      seen: null,
      log: this.#log,
    };
  }

  async #readLog(context: Context): Promise<void> {
    const reader = this.#options.logs.read(this.processor, this.#checkpoint.applied + 1);
    this.#reader = reader;
    try {
      if (this.#stopping) return;
      for await (const { command, behind } of reader.commands()) {
        this.#last = command.sequence + behind;
        await this.#tally?.prepare(command);
        await this.#take(context, command);
        if (this.#state === "applying" && command.sequence >= this.#last) this.#setState("ready");
      }
    } finally {
      reader.close();
    }
  }

  /** Takes one command to its end, however long its instance is away. */
  async #take(context: Context, command: StoredCommand): Promise<void> {
    let perhapsPoisoned = false;
    let isClaimed = command.once === undefined;
    this.#inHand = command.sequence;
    while (!this.#stopping && this.#checkpoint.applied < command.sequence) {
      if (this.#paused && !this.#isBegun(command)) {
        await this.#paused.promise;
        continue;
      }
      isClaimed ||= this.#isBegun(command) || this.#isOver(command) || (await this.#options.claim(command));
      if (!isClaimed) {
        await this.#leaveOut(command);
        this.#reply(command, { ...appliedBefore, sequence: command.sequence });
        return;
      }
      const end = await this.#turns.run(() => this.#attempt(context, command, perhapsPoisoned));
      perhapsPoisoned = end === "failed";
      if (end === "late") await this.#expire(command, { ...notStartedInTime, sequence: command.sequence });
      if (end !== "away") continue;
      this.#setState("down");
      if (command.deadlineMs !== undefined && this.#mayExpire(command)) {
        await this.#expire(command, this.#unavailable(command.sequence));
      } else {
        await this.#instance.connectionChange(retryMs);
      }
    }
  }

  /** Applies the command's next step, if its time has not passed and its instance is there. */
  async #attempt(
    context: Context,
    command: StoredCommand,
    perhapsPoisoned: boolean,
  ): Promise<"applied" | "late" | "away" | "failed"> {
    try {
      if (this.#isLate(command)) return "late";
      const isThere = await this.#prepare(this.#state === "down" ? 0 : firstConnectMs);
      if (!isThere) return "away";
      // Reconciling may have found it applied.
      const step = this.#nextStep(command);
      if (!step) return "applied";
      if (perhapsPoisoned) return this.#passPoisoned(context, step);
      // Between this and `#started` nothing waits, so whoever was told that it will not be started was told the truth.
      if (this.#isLate(command) || (!this.#isBegun(command) && this.#cancelled.has(command.sequence)))
        return "late";
      this.#setState("applying");
      this.#started = command.sequence;
      await applyStep(context, step);
      return "applied";
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.#instance.doubt();
      if (error instanceof Interrupted) {
        this.#log.warn({ sequence: command.sequence, reason: error.message }, "interrupted");
        return "away";
      }
      this.#log.error({ err: error, sequence: command.sequence }, "cannot make sense of an answer");
      return "failed";
    }
  }

  /** A step that ends in nonsense every time must not stop the log: nobody can say what became of it (A7). */
  async #passPoisoned({ book }: Context, step: Step): Promise<"applied"> {
    book.note(passed(step));
    this.#concludeStep(step, unknown("the instance's answer makes no sense"));
    await book.flush();
    return "applied";
  }

  /** Whether the instance is there and reconciled, or becomes so. Throws Interrupted when it goes away meanwhile. */
  async #prepare(timeoutMs: number): Promise<boolean> {
    if (this.#instance.reconciled) return true;
    const context = this.#context;
    if (!context) return false;
    if (!this.#options.mayCall()) throw new LeaseLost(this.processor);
    return this.#instance.reconcile(timeoutMs, async (interval) => {
      const before = this.#state;
      this.#setState("rebuilding");
      if (this.#isNew) await adopt(context, interval);
      this.#isNew = false;
      await reconcile(context, interval);
      this.#started = this.#checkpoint.applied;
      this.#hasReconciled = true;
      this.#log.info({ interval, applied: this.#checkpoint.applied }, "the instance is reconciled");
      this.#setState(before === "applying" ? "applying" : "ready");
    });
  }

  #nextStep(command: StoredCommand): Step | undefined {
    const { applied, step } = this.#checkpoint;
    return applied < command.sequence ? stepsOf(command)[step] : undefined;
  }

  #isBegun({ sequence }: Pick<StoredCommand, "sequence">): boolean {
    const { applied, step, mark } = this.#checkpoint;
    // Steps are those of the first command after `applied`, which is the one in hand.
    if (Math.max(applied, this.#started) >= sequence || (step > 0 && sequence === this.#inHand)) return true;
    return mark !== null && mark.kind !== "own-observe" && mark.at.sequence === sequence;
  }

  #isLate(command: StoredCommand): boolean {
    return command.deadlineMs !== undefined && Date.now() > command.deadlineMs && this.#mayExpire(command);
  }

  /** Whether it is not to be started any more. */
  #isOver(command: StoredCommand): boolean {
    return this.#cancelled.has(command.sequence) || this.#isLate(command);
  }

  /** Whether it is certain that it was not begun: before the first reconciling a worker before this one may have begun it. */
  #mayExpire(command: StoredCommand): boolean {
    return this.#hasReconciled && !this.#isBegun(command);
  }

  /** Takes note of what came of a step, and answers the command with its last. */
  #concludeStep({ command, at, isLast }: Step, result: Result): void {
    const { sequence } = command;
    const results = this.#results.get(sequence) ?? [];
    results[at.step] = result;
    if (!isLast) {
      this.#results.set(sequence, results);
      return;
    }
    this.#results.delete(sequence);
    this.#cancelled.delete(sequence);
    this.#waits.check();
    const whole = resultOfSteps(command.method, results);
    this.#tally?.count(command, whole.outcome);
    if (whole.outcome === "unknown") this.#log.warn({ sequence, command: command.id }, "effect unknown");
    this.#answer(command, this.#replyOf(whole, sequence));
  }

  /** An answer that may be asked for again is kept before it is given. */
  #answer(command: StoredCommand, answer: Reply): void {
    const reply = command.store ? { ...answer, atMs: Date.now() } : answer;
    const isAbandoned = this.#abandoned.delete(command.sequence);
    const recorded = this.#options.record(isAbandoned ? { ...command, store: true } : command, reply);
    if (recorded) this.#context?.book.hold(recorded);
    // What failed might succeed in another life, as long as it is not persisted that it is behind.
    if (reply.outcome === "failed") this.#context?.book.whenPersisted(() => this.#reply(command, reply));
    else if (command.store && recorded) recorded.then(() => this.#reply(command, reply)).catch(() => {});
    else this.#reply(command, reply);
  }

  #reply(command: StoredCommand, reply: Reply): void {
    if (command.replyTo === undefined) return;
    this.#recent.add(reply);
    this.#options.send(command.replyTo, reply);
  }

  async #expire(command: StoredCommand, reply: Reply): Promise<void> {
    await this.#leaveOut(command);
    this.#answer(command, reply);
  }

  /** Passes a command that was not started: it leaves the log first, so what stands in it up to `applied` was applied. */
  async #leaveOut({ sequence }: StoredCommand): Promise<void> {
    await this.#options.logs.delete(this.processor, sequence);
    this.#cancelled.delete(sequence);
    this.#context?.book.note({ applied: sequence, step: 0 });
    this.#waits.check();
  }

  /** Notices when the instance goes and comes while there is nothing to apply. */
  async #watchInstance(): Promise<void> {
    while (!this.#stopping) {
      const isThere = await this.#turns
        .run(() => this.#prepare(firstConnectMs))
        .catch((error) => {
          if (error instanceof Interrupted) return false;
          throw error;
        });
      if (this.#stopping) return;
      if (!isThere) this.#setState("down");
      else if (this.#state === "down") this.#setState("ready");
      await this.#instance.connectionChange(isThere ? lookAgainMs : retryMs);
    }
  }

  #setState(state: ProcessorState["state"]): void {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    this.#since = Date.now();
    if (state === "down") this.#log.warn("the instance cannot be reached");
    else if (before === "down") this.#log.info("the instance is back");
    if (state === "down" || before === "down") this.#options.onState();
  }

  #replyOf(result: Result, sequence: number): Reply {
    const { interval, offset } = this.#checkpoint;
    return { ...result, sequence, interval: interval + offset };
  }

  #unavailable(sequence: number): Reply {
    return { ...refused(grpc.UNAVAILABLE, "the instance cannot be reached"), outcome: "expired", sequence };
  }

  #cannotWrite(error: unknown): void {
    this.#log.error({ err: error }, "cannot write the checkpoint");
  }
}

const appliedBefore = refused(grpc.ALREADY_EXISTS, "another command of this Idempotency-Key was started");

const notStartedInTime: Result = {
  ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"),
  outcome: "expired",
};
