import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Query } from "../../../libs/commands/messages/query.ts";
import type { RebuildAnswer, RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { degradedText } from "../checkpoint/degradation.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { LateCallReport } from "../model/late-calls.ts";
import { handedOver, unknown } from "../model/step-outcome.ts";
import { retryMs } from "./instance-supervisor.ts";
import { openCheckpoint } from "./open-checkpoint.ts";
import { Processor } from "./processor.ts";
import type { Log, ProcessorEnvironment } from "./processor-environment.ts";
import type { HistoryLimit } from "./retention-limit.ts";
import { Status } from "./status.ts";

/** What of a processor's state was seen, in what is cheap to compare. */
interface Seen {
  version?: number;
  current?: object | undefined;
  figures?: object | undefined;
  isSettled?: boolean | undefined;
  reason?: string | undefined;
  toldThrough?: number | undefined;
  last?: number | undefined;
}

/**
 * One processor in its worker, from when its lease is taken until it is given back.
 *
 * States:
 * - *opening*: its checkpoint is being loaded. Its state is told as `rebuilding`, and queries wait. If a
 *   command is cancelled, nobody knows whether an earlier worker has begun it.
 * - *open*: it has a `Processor`.
 * - *stopping*.
 */
export class ProcessorSlot {
  readonly #environment: ProcessorEnvironment;
  readonly #log: Log;
  readonly #status: Status;
  /** The processor; undefined while opening. */
  #processor: Processor | undefined;
  /** Resolves once the slot is open, or is being stopped. */
  readonly #opened = Promise.withResolvers<void>();
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();
  /** What `changes` has counted up to now, and what it saw then. */
  #changes = 0;
  #seen: Seen = {};

  constructor(environment: ProcessorEnvironment) {
    this.#environment = environment;
    this.#log = environment.telemetry.log;
    this.#status = new Status(this.#log, () => environment.events.stateChanged());
  }

  get id(): string {
    return this.#environment.processor;
  }

  /** The processor; undefined while opening. */
  get processor(): Processor | undefined {
    return this.#processor;
  }

  /**
   * Begins to open the slot. Resolves once that has succeeded, or has failed for the first time. It is then
   * tried again until it succeeds.
   */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = this.#run(resolve).finally(resolve);
    return promise;
  }

  /** Finishes the step in hand, writes the checkpoint, and gives the processor back. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#opened.resolve();
    this.#status.release();
    await this.#processor?.stop();
    await this.#running;
    await this.#processor?.giveBack().catch((error) => this.#cannotWrite(error));
    if (!this.#processor) this.#environment.port.close();
  }

  /** Pauses or resumes applying, between two commands. Queries are answered all the same. */
  setPaused(isPaused: boolean): void {
    this.#status.setPaused(isPaused);
  }

  /** The processor's state. `Reports` fills in the rates. */
  get state(): ProcessorState {
    const { interval, offset, degradations, foreign } =
      this.#processor?.context.checkpoint.current ?? firstCheckpoint;
    const latency = this.#processor?.context.instance.latencies.figures;
    return {
      processor: this.id,
      ...this.#status.shown,
      ...(this.#processor?.isSettled && { settled: true }),
      ...(this.#opening && { opening: this.#opening }),
      reason: this.#processor?.reason ?? "",
      worker: this.#environment.lease.worker,
      applied: this.#processor?.toldThrough ?? firstCheckpoint.applied,
      last: this.#processor?.last ?? 0,
      oldestMs: this.#processor?.oldestMs ?? 0,
      degraded: degradedText(degradations),
      ...(foreign.ticks > 0 && { foreign }),
      interval: interval + offset,
      rate: 0,
      drainRate: 0,
      ...(latency && { latency }),
    };
  }

  get #opening(): ProcessorState["opening"] {
    if (!this.#processor) return "checkpoint";
    return this.#status.isInstanceKnown ? undefined : "instance";
  }

  /**
   * Another number whenever something in `state` has changed, other than how long a command waits. To ask for it costs
   * much less than `state`: most of a thousand processors have nothing new to tell.
   */
  get changes(): number {
    const processor = this.#processor;
    const { version } = this.#status;
    const current = processor?.context.checkpoint.current;
    const figures = processor?.context.instance.latencies.figures;
    const { isSettled, reason, toldThrough, last } = processor ?? {};
    const seen = this.#seen;
    const isSame =
      seen.version === version &&
      seen.current === current &&
      seen.last === last &&
      seen.toldThrough === toldThrough &&
      seen.figures === figures &&
      seen.isSettled === isSettled &&
      seen.reason === reason;
    if (isSame) return this.#changes;
    this.#seen = { version, current, figures, isSettled, reason, toldThrough, last };
    this.#changes++;
    return this.#changes;
  }

  /** Another number after each change of `state.state`. */
  get version(): number {
    return this.#status.version;
  }

  async query(query: Query): Promise<Reply> {
    await this.#opened.promise;
    // If it was never opened, it is being stopped, and another worker will answer.
    return this.#processor?.query(query) ?? { ...handedOver, sequence: 0 };
  }

  async cancel(sequence: number): Promise<Reply> {
    return this.#processor?.cancel(sequence) ?? { ...unknown("started"), sequence };
  }

  async rebuild(request: RebuildRequest): Promise<RebuildAnswer> {
    return this.#processor?.rebuild(request) ?? { kind: "away" };
  }

  /** Takes the report of a worker that has lost the processor's lease, with its late calls. */
  heard(report: LateCallReport): void {
    this.#processor
      ?.heard(report)
      .catch((error) => this.#log.error({ err: error }, "cannot mend what a late call has done"));
  }

  /** Takes note that the log reaches this sequence. */
  sawEnd(last: number): void {
    this.#processor?.sawEnd(last);
  }

  /** Writes the checkpoint although nothing has changed, because the bucket has lost it. */
  async writeCheckpoint(): Promise<void> {
    await this.#processor?.context.checkpoint.persist({}).catch((error) => this.#cannotWrite(error));
  }

  /** Archives the counts of ingestions that are idle. */
  archiveIngestions(): void {
    if (this.#isStopping) return;
    this.#processor?.archiveIngestions()?.catch((error) => this.#cannotWrite(error));
  }

  async trim(history: HistoryLimit): Promise<void> {
    await this.#processor?.trim(history);
  }

  async #run(onFirstAttempt: () => void): Promise<void> {
    await this.#persevere(async () => {
      this.#processor = await this.#open().finally(onFirstAttempt);
      this.#opened.resolve();
      for (const report of this.#environment.stores.lateCalls.reportsOf(this.id)) this.heard(report);
    });
    const processor = this.#processor;
    if (!processor) return;
    if (this.#isStopping) return processor.stop();
    await Promise.all([
      this.#persevere(() => processor.applyLog()),
      this.#persevere(() => processor.watchInstance()),
    ]);
  }

  async #open(): Promise<Processor> {
    const opened = await openCheckpoint(this.#environment);
    try {
      const processor = new Processor(this.#environment, opened, this.#status);
      await processor.checkLog(opened.log);
      return processor;
    } catch (error) {
      // It is opened again, and then there must not be two writers.
      opened.checkpoint.close();
      throw error;
    }
  }

  /** Runs `task` to its end, and runs it again after a failure. It gives up when the lease is lost. */
  async #persevere(task: () => Promise<void>): Promise<void> {
    while (!this.#isStopping) {
      try {
        return await task();
      } catch (error) {
        if (error instanceof LeaseLost) {
          this.#log.error({ reason: error.message }, "the lease is gone, leaving the processor alone");
          this.#environment.events.leaseLost();
          return;
        }
        this.#log.error({ err: error }, "cannot go on, trying again");
        await this.#environment.clock.sleep(retryMs);
      }
    }
  }

  #cannotWrite(error: unknown): void {
    this.#log.error({ err: error }, "cannot write the checkpoint");
  }
}
