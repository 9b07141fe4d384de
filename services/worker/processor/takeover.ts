import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { checkSuspect } from "../engine/check-suspect.ts";
import type { Context, Suspect } from "../engine/context.ts";
import { mendTicksUpTo } from "../engine/foreign-ticks.ts";
import { removeTornByLate } from "../engine/late-auto-learn.ts";
import { noteIfCleared, noteIfDeleted } from "../engine/learned-here.ts";
import { methodAt } from "../engine/method-at.ts";
import { insist } from "../instance/questions.ts";
import type { LateCallReport } from "../model/late-calls.ts";
import type { InstanceSupervisor } from "./instance-supervisor.ts";
import { firstConnectMs } from "./instance-supervisor.ts";
import type { ProcessorEnvironment } from "./processor-environment.ts";

/**
 * How long after a takeover a call of the earlier worker is expected, unless that worker tells that it has
 * none under way. An Observe that comes even later is noticed by its tick.
 */
const suspectedMs = 60_000;
/** After how long a report is taken once more that could not be dealt with. */
const hearAgainMs = 2_000;

/**
 * Watches for a late call of the worker that had the processor before and did not give it back. That worker
 * may have been frozen before it sent a call, and may send it when it wakes up.
 *
 * States: *clear* (the processor was given back, or that worker is known to have no call under way),
 * *suspecting*. KATO cannot refuse such a call, so what it does is mended (A4).
 */
export class Takeover {
  readonly #environment: ProcessorEnvironment;
  readonly #context: Context;
  readonly #supervisor: InstanceSupervisor;
  /** The name of the earlier worker; "" if it gave the processor back. */
  readonly #before: string;
  /**
   * What the earlier worker has left in the checkpoint, which shows what it may have been about to call.
   * Undefined once that was read from it.
   */
  #left: Pick<Checkpoint, "mark" | "rebuilding"> | undefined;
  #cancelTimer: () => void = () => {};
  #isClosed = false;

  constructor(
    environment: ProcessorEnvironment,
    context: Context,
    supervisor: InstanceSupervisor,
    loaded: Checkpoint,
  ) {
    this.#environment = environment;
    this.#context = context;
    this.#supervisor = supervisor;
    this.#before = loaded.epoch;
    this.#left = loaded.epoch === "" ? undefined : loaded;
    supervisor.onReconciled = () => this.check();
  }

  /** Whether a late call may still come. */
  get isExpecting(): boolean {
    const { mark, rebuilding } = this.#left ?? { mark: null, rebuilding: null };
    return mark !== null || rebuilding !== null || this.#context.memory.suspect !== null;
  }

  /**
   * Mends what a late call has done. It has to be called whenever the instance is reconciled and after each step,
   * while nothing else has the instance.
   */
  async check(): Promise<void> {
    await this.#begin();
    await checkSuspect(this.#context);
  }

  /**
   * Takes the report of a worker that had the processor before and may just have woken up. It may be this
   * worker. Everything that its late calls have done is mended.
   */
  async heard(report: LateCallReport): Promise<void> {
    const { stores, telemetry } = this.#environment;
    const done = await this.#supervisor.withLog(async () => {
      await this.#mend(report);
      return true;
    });
    if (!done) return this.#hearAgain(report);
    for (const call of report.calls)
      telemetry.log.error({ ...call, from: report.worker }, "a call came late");
    if (report.worker === this.#before && !report.isExpecting) this.#end();
    await stores.lateCalls.remove(report);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer();
  }

  /** Takes a report once more in a while, because the instance or the log was away. */
  #hearAgain(report: LateCallReport): void {
    const { clock, telemetry } = this.#environment;
    clock.after(hearAgainMs, () => {
      if (this.#isClosed) return;
      this.heard(report).catch((err) =>
        telemetry.log.error({ err }, "cannot mend what a late call has done"),
      );
    });
  }

  async #begin(): Promise<void> {
    const left = this.#left;
    if (!left) return;
    const ofCommand = left.mark ? await methodAt(this.#context, left.mark.at) : undefined;
    this.#left = undefined;
    const method = ofCommand ?? (left.rebuilding ? "rebuild" : undefined);
    if (method === undefined) return;
    this.#context.memory.suspect = { ...noFrequencies(), method };
    this.#cancelTimer = this.#environment.clock.after(suspectedMs, () => {
      void this.#supervisor.withLog(() => checkSuspect(this.#context, true)).finally(() => this.#end());
    });
  }

  /**
   * Mends what the late calls of a report have done. No more can come, because a worker reports only once it
   * has no call under way.
   */
  async #mend({ calls }: LateCallReport): Promise<void> {
    const { checkpoint, instance, memory, recovery } = this.#context;
    await this.#begin();
    const { interval } = await insist(instance, "Ping", {});
    if (interval < checkpoint.current.interval) {
      if (calls.some(({ method }) => method === "ClearAllMemory")) {
        memory.suspect = { ...(memory.suspect ?? noFrequencies()), method: "ClearAllMemory" };
      }
      instance.doubt();
      await this.#supervisor.prepare(firstConnectMs);
    } else {
      await mendTicksUpTo(this.#context, interval);
    }
    // The interval may have been seen before the report, and may have looked like that of a restart.
    const isCleared = calls.some(({ method, end }) => method === "ClearAllMemory" && end !== "not-sent");
    if (isCleared) await noteIfCleared(this.#context);
    const known = memory.suspect ?? noFrequencies();
    const suspect = memory.suspect;
    try {
      for (const { method, at, failed, end } of calls) {
        // Where it has failed there was no such model.
        if (method === "DeleteModel" && at && !failed) await noteIfDeleted(this.#context, at);
        // KATO may have died in it.
        const isUnseen = method === "Observe" && end === "unseen" && recovery.mendsForeignCalls;
        if (isUnseen && at) await removeTornByLate(this.#context, at);
        memory.suspect = { ...known, method };
        await checkSuspect(this.#context, true);
      }
    } finally {
      memory.suspect = suspect;
    }
  }

  #end(): void {
    this.#cancelTimer();
    this.#left = undefined;
    this.#context.memory.suspect = null;
  }
}

function noFrequencies(): Omit<Suspect, "method"> {
  return { frequencies: new Map() };
}
