import type { LogFacts } from "../../../libs/commands/log/log-identity.ts";
import type { Query } from "../../../libs/commands/messages/query.ts";
import type { RebuildAnswer, RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { Context } from "../engine/context.ts";
import { rebuildVolatile, rewindTo, surveyRebuild } from "../engine/rebuild-by-hand.ts";
import type { LateCallReport } from "../model/late-calls.ts";
import { handedOver, instanceAway, notStartedInTime, unknown } from "../model/step-outcome.ts";
import { answerQuery } from "./answer-query.ts";
import { AppliedWaiters } from "./applied-waiters.ts";
import { checkLog } from "./check-log.ts";
import { CommandLoop } from "./command-loop.ts";
import { heldText } from "./held-because.ts";
import { Hold } from "./hold.ts";
import type { OpenedCheckpoint } from "./open-checkpoint.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";
import type { ProcessorParts } from "./processor-parts.ts";
import { partsOf } from "./processor-parts.ts";
import { Retention } from "./retention.ts";
import type { HistoryLimit } from "./retention-limit.ts";
import type { Status } from "./status.ts";

/**
 * A processor whose checkpoint is loaded: its command loop, and the answers to what is asked beside the log.
 *
 * Invariants: whatever calls the instance does so in the supervisor's mutex (A1). What is persisted is never
 * ahead of what the instance has (A5).
 */
export class Processor {
  readonly context: Context;
  readonly #environment: ProcessorEnvironment;
  readonly #parts: ProcessorParts;
  readonly #loop: CommandLoop;
  readonly #waiters: AppliedWaiters;
  readonly #retention: Retention;
  readonly #hold: Hold;
  /** The last sequence of the log when it was compared with the checkpoint; undefined if it was read since. */
  #checkedEnd: number | undefined;
  #isStopping = false;

  constructor(environment: ProcessorEnvironment, { checkpoint, loaded }: OpenedCheckpoint, status: Status) {
    this.#environment = environment;
    this.#parts = partsOf(environment, checkpoint, loaded, status);
    this.context = this.#parts.context;
    this.#waiters = new AppliedWaiters(() => checkpoint.current.applied, environment.clock);
    this.#loop = new CommandLoop(environment, this.#parts, () => this.#waiters.check());
    this.#hold = new Hold(this.#parts);
    const { supervisor } = this.#parts;
    // The log is looked at once more: until then its numbers could not move on.
    supervisor.onLossSettled = () => this.#loop.interrupt();
    const { processor, stores, lease } = environment;
    const exclusively = (task: () => Promise<void>) =>
      supervisor.exclusively(async () => {
        if (lease.held) await task();
      });
    this.#retention = new Retention(processor, stores.logs, exclusively, environment.clock.storeMs);
  }

  /** The last known sequence of the log. */
  get last(): number {
    return this.context.checkpoint.current.held?.through ?? this.#loop.last;
  }

  /** How long the oldest command has waited. While it is held, everything in the log has waited since then. */
  get oldestMs(): number {
    const { held } = this.context.checkpoint.current;
    return held ? this.#environment.clock.unixMs() - held.since : this.#loop.oldestMs;
  }

  /** Whether it is paused between two commands, with everything persisted that its instance has, until it is resumed. */
  get isSettled(): boolean {
    const { context, gate, status } = this.#parts;
    if (!status.isPaused) return false;
    const { current, persisted } = context.checkpoint;
    const isWhole = gate.isNothingBegun && !current.rebuilding && !current.ownObserve && !current.held;
    return status.state !== "down" && isWhole && current === persisted;
  }

  /** Up to which sequence commands are told to be applied: the outcome of each of them is kept by then. */
  get toldThrough(): number {
    return this.#parts.outcomes.toldThrough;
  }

  /** Why it is down or held, or what takes so long, in words for people. */
  get reason(): string {
    const { supervisor, context, status } = this.#parts;
    const { held } = context.checkpoint.current;
    if (held) return heldText(this.#environment.processor, held);
    return status.state === "down" ? supervisor.whyDown : context.instance.whySlow;
  }

  /**
   * Compares the log with what the checkpoint knows of it. To be called once before anything else. `seen` is as for
   * `checkLog`. Rejects if NATS does not answer.
   */
  async checkLog(seen?: LogFacts): Promise<void> {
    const { supervisor } = this.#parts;
    this.#checkedEnd = await supervisor.exclusively(() => checkLog(this.#environment, this.#parts, seen));
    supervisor.isLogInDoubt = false;
  }

  /** Applies the log's commands until `stop`. Rejects if NATS does not answer, and with LeaseLost. */
  async applyLog(): Promise<void> {
    try {
      while (!this.#isStopping) {
        if (this.#checkedEnd === undefined) await this.checkLog();
        const end = this.#checkedEnd;
        this.#checkedEnd = undefined;
        if (await this.#hold.untilDecided()) continue;
        await this.#beginReplay();
        await this.#loop.run(end);
      }
    } catch (error) {
      // NATS may have been lost while nobody read the log, and the log that is there afterwards may be another one.
      this.#parts.supervisor.isLogInDoubt = true;
      throw error;
    }
  }

  /** Watches its instance until `stop`. Rejects with LeaseLost. */
  watchInstance(): Promise<void> {
    return this.#parts.supervisor.watch();
  }

  /** Archives the counts of ingestions that are idle; undefined if none are counted. */
  archiveIngestions(): Promise<void> | undefined {
    const { counter } = this.#parts.outcomes;
    return counter.isCounting ? counter.archive() : undefined;
  }

  /** Finishes the step in hand and writes the checkpoint. Whatever is left stays in the log. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#waiters.close();
    this.#hold.close();
    this.#parts.takeover.close();
    this.#loop.stop();
    await this.#parts.supervisor.close();
  }

  /**
   * Persists that nothing is under way, unless a call of an earlier worker is. If the lease is lost, tells instead
   * which of this worker's calls were under way then. To be called once `applyLog` has ended.
   */
  async giveBack(): Promise<void> {
    const { processor, lease, stores } = this.#environment;
    const { checkpoint, instance, log } = this.context;
    this.#parts.replay.end({ kind: "away" });
    const { isExpecting } = this.#parts.takeover;
    if (lease.held) return checkpoint.persist(isExpecting ? {} : { epoch: "" });
    // This is not awaited, because the next owner checks by itself for a while.
    stores.lateCalls
      .tell({ processor, worker: lease.worker, calls: instance.lateCalls, isExpecting })
      .catch((err) => log.warn({ err }, "cannot tell of late calls"));
  }

  /** Takes the report of a worker that had this processor before. That may be this worker. */
  heard(report: LateCallReport): Promise<void> {
    return this.#parts.takeover.heard(report);
  }

  /** Answers a query between two commands. A query with `after` is answered after that command. */
  async query(query: Query): Promise<Reply> {
    const { supervisor, status, outcomes, context } = this.#parts;
    const { lease } = this.#environment;
    if (status.state === "down") return withoutInterval(instanceAway);
    if (query.after !== undefined && !(await this.#waiters.wait(query.after, query.waitMs ?? 0)))
      return withoutInterval(this.#isStopping ? handedOver : notStartedInTime);
    const answer = await supervisor.withInstance(() =>
      answerQuery(context.instance, query, context.checkpoint.current.latestUniqueId),
    );
    if (answer) return outcomes.replyOf(answer, 0);
    return withoutInterval(this.#isStopping || !lease.held ? handedOver : instanceAway);
  }

  /**
   * Cancels a command for which nobody waits any more. `expired` says that it never will be begun. If its own
   * reply did not arrive, that is returned. Otherwise the reply is `unknown`.
   */
  async cancel(sequence: number): Promise<Reply> {
    const { gate, outcomes } = this.#parts;
    // A command that NATS has and does not give to the reader is found by another one.
    if (sequence > this.#loop.last) this.#loop.interrupt();
    const isCancelled = this.#environment.lease.held && (await gate.cancel(sequence));
    if (isCancelled) return { ...notStartedInTime, sequence };
    return outcomes.abandon(sequence) ?? { ...unknown("started"), sequence };
  }

  /**
   * Rebuilds, or replays, because a person has asked for it, or decides what becomes of a processor that is
   * held. A dry run only tells what would be sent.
   */
  async rebuild(request: RebuildRequest): Promise<RebuildAnswer> {
    const { context, supervisor, status, replay } = this.#parts;
    const { from, dryRun } = request;
    const decided = await supervisor.exclusively(() => this.#hold.decide(request));
    if (decided) {
      this.#environment.events.stateChanged();
      return decided;
    }
    if (dryRun) return surveyRebuild(context, from);
    if (from === undefined) {
      return (await supervisor.withLog(() => rebuildVolatile(context))) ?? { kind: "away" };
    }
    if (status.isPaused) return { kind: "paused" };
    if (status.state === "down") return { kind: "away" };
    const answer = replay.ask(from);
    this.#loop.interrupt();
    return answer;
  }

  /** Takes note that the log reaches this sequence. */
  sawEnd(last: number): void {
    this.#loop.sawEnd(last);
  }

  /** Trims the log to what a rebuild and this history need. */
  async trim(history: HistoryLimit): Promise<void> {
    await this.#retention.trim(this.context.checkpoint, history);
  }

  /**
   * Begins a replay, if one was asked for. To be called while the loop has no command in hand. A command that
   * an earlier worker has begun is brought to its end first: a replay has only what was applied.
   */
  async #beginReplay(): Promise<void> {
    const { context, gate, replay, status, supervisor } = this.#parts;
    const { from } = replay;
    if (from === undefined || gate.isNextBegun) return;
    let answer: RebuildAnswer | undefined;
    try {
      answer = await supervisor.withInstance(async () => {
        const rewound = await rewindTo(context, from);
        if (rewound.kind === "replaying") context.instance.doubt();
        return rewound;
      });
      // Whoever is answered that it is replaying also sees that state.
      if (context.checkpoint.current.replaying) status.become("rebuilding");
      this.#environment.events.stateChanged();
    } finally {
      const mayHappen = context.checkpoint.current.replaying !== null;
      replay.end(answer ?? (mayHappen ? undefined : { kind: "away" }));
    }
  }
}

function withoutInterval(outcome: Omit<Reply, "sequence" | "interval">): Reply {
  return { ...outcome, sequence: 0 };
}
