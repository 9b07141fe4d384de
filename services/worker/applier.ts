import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../libs/commands/command.ts";
import type { CommandLogs } from "../../libs/commands/log.ts";
import type { LogReader } from "../../libs/commands/log-reader.ts";
import type { ProcessorState } from "../../libs/commands/processor-state.ts";
import type { Reply } from "../../libs/commands/reply.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { adopt } from "./adopt.ts";
import { applyStep } from "./apply.ts";
import { Interrupted } from "./call.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { CheckpointBook, firstCheckpoint } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import type { Context } from "./context.ts";
import { passed } from "./effects.ts";
import { Instance } from "./instance.ts";
import { LeaseLost } from "./lease.ts";
import { answerQuery } from "./query.ts";
import { reconcile } from "./reconcile.ts";
import type { Result } from "./result.ts";
import { refused, resultOfSteps, unknown } from "./result.ts";
import type { Step } from "./step.ts";
import { stepsOf } from "./step.ts";
import { Turns } from "./turns.ts";

export interface ApplierOptions {
  processor: string;
  endpoint: string;
  /** Who runs it, for people. */
  worker: string;
  /** Whether this worker may still call the instance (A4). */
  mayCall: () => boolean;
  logs: Pick<CommandLogs, "ensure" | "read" | "readRange" | "delete">;
  checkpoints: CheckpointStore;
  /** Sends a reply to whoever waits for it. */
  send: (subject: string, reply: Reply) => void;
  /**
   * Takes note of what became of a command, before the checkpoint says that it is applied. After a crash it may be told of
   * one again.
   */
  record: (command: StoredCommand, reply: Reply) => Promise<void>;
  /** Called when the instance goes and when it is back. */
  onState: () => void;
  callTimeoutMs: number;
  log: Logger;
}

const firstConnectMs = 1_000;
const retryMs = 500;

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
  /** What came of the steps of commands that are not concluded yet. */
  readonly #results = new Map<number, (Result | undefined)[]>();
  #context: Context | undefined;
  #isNew = false;
  #inHand = 0;
  #started = 0;
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

  /** Begins to apply. Does not wait for anything. */
  start(): void {
    this.#running = this.#run();
  }

  /** Finishes the step in hand, writes the checkpoint, and gives up nothing: whatever is left stays in the log. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#reader?.close();
    await this.#turns.run(async () => this.#instance.close());
    await this.#running;
    await this.#context?.book.flush().catch((error) => this.#cannotWrite(error));
  }

  /** How the processor stands. `rate` is for the worker to fill in. */
  get state(): ProcessorState {
    const { applied, interval, offset, degraded } = this.#checkpoint;
    return {
      processor: this.processor,
      state: this.#state,
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

  /** Answers a query between two commands. */
  async query(query: { method: string; data: Uint8Array }): Promise<Reply> {
    if (this.#state === "down") return this.#unavailable(0);
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
   * never will be; `unknown` otherwise.
   */
  cancel(sequence: number): Reply {
    if (sequence <= Math.max(this.#started, this.#checkpoint.applied))
      return { ...unknown("started"), sequence };
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
    await Promise.all([
      this.#persist(() => this.#readLog(context)),
      this.#persist(() => this.#watchInstance()),
    ]);
  }

  /** Runs `task` to its end, again after a failure, but not without the lease. */
  async #persist(task: () => Promise<void>): Promise<void> {
    while (!this.#stopping) {
      try {
        return await task();
      } catch (error) {
        if (error instanceof LeaseLost) {
          this.#log.error({ reason: error.message }, "the lease is gone, leaving the processor alone");
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
    this.#isNew = loaded === undefined || (loaded.interval === 0 && loaded.applied === 0 && !loaded.mark);
    const processor = this.processor;
    const book = new CheckpointBook({
      loaded: loaded ?? firstCheckpoint,
      save: (checkpoint) => checkpoints.save(checkpoint),
      onError: (error) => this.#cannotWrite(error),
    });
    await book.ahead({ epoch: this.#options.worker });
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
          for (const step of stepsOf(command)) {
            if (step.at.sequence > from.sequence || step.at.step >= from.step) yield step;
          }
        }
      },
      pause: (ms) => sleep(ms),
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
    this.#inHand = command.sequence;
    while (!this.#stopping && this.#checkpoint.applied < command.sequence) {
      const end = await this.#turns.run(() => this.#attempt(context, command, perhapsPoisoned));
      perhapsPoisoned = end === "failed";
      if (end === "late") await this.#expire(command, { ...notStartedInTime, sequence: command.sequence });
      if (end !== "away") continue;
      this.#setState("down");
      if (command.deadlineMs !== undefined && !this.#isBegun(command)) {
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
      this.#concludeStep(step, await applyStep(context, step));
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
    await book.ahead(passed(step));
    this.#concludeStep(step, unknown("the instance's answer makes no sense"));
    return "applied";
  }

  /** Whether the instance is there and reconciled, or becomes so. Throws Interrupted when it goes away meanwhile. */
  async #prepare(timeoutMs: number): Promise<boolean> {
    if (this.#instance.reconciled) return true;
    const context = this.#context;
    if (!context) return false;
    return this.#instance.reconcile(timeoutMs, async (interval) => {
      const before = this.#state;
      this.#setState("rebuilding");
      if (this.#isNew) await adopt(context, interval);
      this.#isNew = false;
      await reconcile(context, interval, (step, result) => this.#concludeStep(step, result));
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
    if (applied >= sequence || (step > 0 && sequence === this.#inHand)) return true;
    return mark !== null && mark.kind !== "own-observe" && mark.at.sequence === sequence;
  }

  #isLate(command: StoredCommand): boolean {
    return command.deadlineMs !== undefined && Date.now() > command.deadlineMs && !this.#isBegun(command);
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
    const whole = resultOfSteps(command.method, results);
    if (whole.outcome === "unknown") this.#log.warn({ sequence, command: command.id }, "effect unknown");
    this.#answer(command, this.#replyOf(whole, sequence));
  }

  #answer(command: StoredCommand, reply: Reply): void {
    this.#context?.book.hold(this.#options.record(command, reply));
    if (command.replyTo !== undefined) this.#options.send(command.replyTo, reply);
  }

  /** Passes a command that was not started: it leaves the log first, so what stands in it up to `applied` was applied. */
  async #expire(command: StoredCommand, reply: Reply): Promise<void> {
    const { sequence } = command;
    await this.#options.logs.delete(this.processor, sequence);
    this.#cancelled.delete(sequence);
    this.#context?.book.note({ applied: sequence, step: 0 });
    this.#answer(command, reply);
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
      await this.#instance.connectionChange(isThere ? undefined : retryMs);
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

const notStartedInTime: Result = {
  ...refused(grpc.DEADLINE_EXCEEDED, "not started in time"),
  outcome: "expired",
};
