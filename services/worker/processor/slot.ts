import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Query } from "../../../libs/commands/messages/query.ts";
import type { RebuildAnswer, RebuildRequest } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { firstCheckpoint } from "../checkpoint/checkpoint.ts";
import { degradedText } from "../checkpoint/degradation.ts";
import { LeaseLost } from "../model/interruptions.ts";
import type { LateCallReport } from "../model/late-calls.ts";
import { handedOver, unknown } from "../model/step-outcome.ts";
import type { Log, ProcessorEnvironment } from "./environment.ts";
import { retryMs } from "./instance-supervisor.ts";
import { openCheckpoint } from "./open-checkpoint.ts";
import { Processor } from "./processor.ts";
import type { History } from "./retention-limit.ts";
import { Status } from "./status.ts";

/**
 * The place of one processor in its worker, from when its lease was taken until it is given up.
 *
 * States: *opening* (its checkpoint is being loaded; its state is told as `rebuilding`, queries wait, and of
 * a command that is cancelled nobody knows whether an earlier worker has begun it), *open* (it has a
 * `Processor`), *stopping*.
 */
export class ProcessorSlot {
  readonly #environment: ProcessorEnvironment;
  readonly #log: Log;
  readonly #status: Status;
  /** Undefined while opening. */
  #processor: Processor | undefined;
  /** Resolves once it is open, or stops. */
  readonly #opened = Promise.withResolvers<void>();
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(environment: ProcessorEnvironment) {
    this.#environment = environment;
    this.#log = environment.telemetry.log;
    this.#status = new Status(this.#log, () => environment.events.stateChanged());
  }

  get id(): string {
    return this.#environment.processor;
  }

  /** Undefined while opening. */
  get processor(): Processor | undefined {
    return this.#processor;
  }

  /**
   * Begins to open it. Resolves once that has succeeded, or failed for a first time; then it is tried on and
   * on.
   */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = this.#run(resolve).finally(resolve);
    return promise;
  }

  /** Finishes the step in hand, writes the checkpoint, and lets the processor go. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#opened.resolve();
    this.#status.release();
    await this.#processor?.stop();
    await this.#running;
    await this.#processor?.giveBack().catch((error) => this.#cannotWrite(error));
    if (!this.#processor) this.#environment.port.close();
  }

  /** Stops applying between two commands, or goes on. Queries are answered all the same. */
  setPaused(isPaused: boolean): void {
    this.#status.setPaused(isPaused);
  }

  /** How the processor stands. The rates are for the worker to fill in. */
  get state(): ProcessorState {
    const { applied, interval, offset, degradations, foreign } =
      this.#processor?.context.checkpoint.current ?? firstCheckpoint;
    return {
      processor: this.id,
      ...this.#status.shown,
      reason: this.#processor?.reason ?? "",
      worker: this.#environment.lease.worker,
      applied,
      ...(this.#processor?.backlog ?? { last: 0, oldestMs: 0 }),
      degraded: degradedText(degradations),
      ...(foreign.ticks > 0 && { foreign }),
      interval: interval + offset,
      rate: 0,
      drainRate: 0,
    };
  }

  async query(query: Query): Promise<Reply> {
    await this.#opened.promise;
    // Where it was never opened it is being stopped, and another worker will answer.
    return this.#processor?.query(query) ?? { ...handedOver, sequence: 0 };
  }

  async cancel(sequence: number): Promise<Reply> {
    return this.#processor?.cancel(sequence) ?? { ...unknown("started"), sequence };
  }

  async rebuild(request: RebuildRequest): Promise<RebuildAnswer> {
    return this.#processor?.rebuild(request) ?? { kind: "away" };
  }

  /** A worker that has lost the processor's lease tells which of its calls were late. */
  heard(report: LateCallReport): void {
    this.#processor
      ?.heard(report)
      .catch((error) => this.#log.error({ err: error }, "cannot mend what a late call has done"));
  }

  async trim(history: History): Promise<void> {
    await this.#processor?.trim(history);
  }

  async #run(onFirstAttempt: () => void): Promise<void> {
    await this.#persevere(async () => {
      const opened = await openCheckpoint(this.#environment).finally(onFirstAttempt);
      this.#processor = new Processor(this.#environment, opened, this.#status);
      this.#opened.resolve();
      for (const report of this.#environment.stores.lateCalls.reportsOf(this.id)) this.heard(report);
    });
    const processor = this.#processor;
    if (!processor) return;
    if (this.#isStopping) return processor.stop();
    const endArchiving = processor.archiveIngestions((error) => this.#cannotWrite(error));
    await Promise.all([
      this.#persevere(() => processor.applyLog()),
      this.#persevere(() => processor.watchInstance()),
    ]).finally(endArchiving);
  }

  /** Runs `task` to its end, again after a failure, but not without the lease. */
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
