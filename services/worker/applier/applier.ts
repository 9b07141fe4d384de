import { setTimeout as sleep } from "node:timers/promises";
import type { LogReader } from "../../../libs/commands/log/log-reader.ts";
import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Query } from "../../../libs/commands/messages/query.ts";
import type { RebuildAnswer, RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import type { History } from "../history/trim.ts";
import { Trimmer } from "../history/trimmer.ts";
import { LeaseLost } from "../interruptions.ts";
import { rebuildVolatile, rewindTo, surveyRebuild } from "../recovery/rebuild-by-hand.ts";
import { endReplay, isReplayed, withoutSender } from "../recovery/replay.ts";
import { handedOver, instanceAway, notStartedInTime, unknown } from "../steps/result.ts";
import { AppliedWaits } from "./applied-waits.ts";
import type { ApplierOptions } from "./applier-options.ts";
import { InstanceKeeper, retryMs } from "./instance-keeper.ts";
import type { OpenProcessor } from "./open-processor.ts";
import { openProcessor } from "./open-processor.ts";
import { answerQuery } from "./query.ts";
import { Standing } from "./standing.ts";
import { StartGate } from "./start-gate.ts";
import type { Taking } from "./take-command.ts";
import { takeCommand } from "./take-command.ts";

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
    this.#rewinding?.resolve({ kind: "away" });
    await this.#open?.context.book.flush().catch((error) => this.#cannotWrite(error));
  }

  /** How the processor stands. The rates are for the worker to fill in. */
  get state(): ProcessorState {
    const { applied, interval, offset, degraded } = this.#checkpoint;
    return {
      processor: this.processor,
      ...this.#standing.told({ whyDown: this.#keeper.whyDown, whySlow: this.#keeper.instance.whySlow }),
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
      answer = await this.#keeper.withInstance(async () => {
        const answer = await rewindTo(context, rewinding.from);
        if (answer.kind === "replaying") this.#keeper.instance.doubt();
        return answer;
      });
      // Whoever is answered that it is replaying sees it so.
      if (this.#checkpoint.replaying) this.#standing.become("rebuilding");
      this.#options.onState();
    } finally {
      this.#rewinding = undefined;
      // Where it may happen although NATS did not say that it is persisted, nobody can be told (A7).
      if (answer || !this.#checkpoint.replaying) rewinding.resolve(answer ?? { kind: "away" });
    }
  }

  /** Takes the commands of the log as they come, until the reader is closed. */
  async #readLog(open: OpenProcessor): Promise<void> {
    const taking = this.#takingOf(open);
    const reader = this.#options.logs.read(this.processor, this.#checkpoint.applied + 1);
    this.#reader = reader;
    try {
      this.#last = this.#checkpoint.applied + (await reader.pending());
      if (this.#stopping || this.#rewinding) return;
      for await (const { command, behind } of reader.commands()) {
        this.#last = command.sequence + behind;
        this.#storedAtMs = command.storedAtMs ?? Date.now();
        await open.tally.prepare(command);
        await takeCommand(
          taking,
          isReplayed(open.context, command.sequence) ? withoutSender(command) : command,
        );
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

  #takingOf(open: OpenProcessor): Taking {
    const { logs, claim } = this.#options;
    return {
      open,
      keeper: this.#keeper,
      gate: this.#gate,
      standing: this.#standing,
      logs,
      claim,
      isStopping: () => this.#stopping,
      isCalledAway: () => this.#rewinding !== undefined,
      log: this.#log,
    };
  }

  #cannotWrite(error: unknown): void {
    this.#log.error({ err: error }, "cannot write the checkpoint");
  }
}

function unavailable(sequence: number): Reply {
  return { ...instanceAway, sequence };
}
