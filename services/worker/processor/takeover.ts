import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { checkSuspect } from "../engine/check-suspect.ts";
import type { Context, Suspect } from "../engine/context.ts";
import { mendTicksUpTo } from "../engine/foreign-ticks.ts";
import { insist } from "../instance/questions.ts";
import type { Intent } from "../model/intent.ts";
import type { LateCallReport } from "../model/late-calls.ts";
import { comparePositions } from "../model/position.ts";
import type { ProcessorEnvironment } from "./environment.ts";
import type { InstanceSupervisor } from "./instance-supervisor.ts";
import { firstConnectMs } from "./instance-supervisor.ts";

/**
 * For so long after a takeover a call of the worker before this one is expected, unless it tells before that
 * it has none under way. A call that comes later still is noticed by its tick where it is an Observe.
 */
const suspectedMs = 60_000;

/**
 * Watches for a call of the worker that had the processor before this one, and that did not give it back:
 * frozen before its call was written, it may wake up and write it.
 *
 * States: *clear* (the processor was given back, or that worker is known to have no call under way),
 * *suspecting*. KATO cannot refuse such a call, so what it does is mended (A4).
 */
export class Takeover {
  readonly #environment: ProcessorEnvironment;
  readonly #context: Context;
  readonly #supervisor: InstanceSupervisor;
  /** The worker before this one; "" where it gave the processor back. */
  readonly #before: string;
  /** What that worker may have had in hand, as far as the checkpoint shows; undefined once that is known. */
  #left: Pick<Checkpoint, "mark" | "rebuilding"> | undefined;
  #cancelTimer: () => void = () => {};

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
  }

  /** To be called after each step, and once the instance is reconciled, while nothing else has it. */
  async check(): Promise<void> {
    await this.#begin();
    await checkSuspect(this.#context);
  }

  /**
   * What a worker tells that had the processor before, and may have woken up just now. It may be this one.
   */
  async heard(report: LateCallReport): Promise<void> {
    const { stores, telemetry } = this.#environment;
    const done = await this.#supervisor.withInstance(async () => {
      await this.#mend(report);
      return true;
    });
    if (!done) return;
    for (const call of report.calls)
      telemetry.log.error({ ...call, from: report.worker }, "a call came late");
    if (report.worker === this.#before) this.#end();
    await stores.lateCalls.remove(report);
  }

  close(): void {
    this.#cancelTimer();
  }

  async #begin(): Promise<void> {
    const left = this.#left;
    if (!left) return;
    const ofCommand = left.mark ? await this.#methodAt(left.mark) : undefined;
    this.#left = undefined;
    const method = ofCommand ?? (left.rebuilding ? "rebuild" : undefined);
    if (method === undefined) return;
    this.#context.memory.suspect = { ...nothingLearned(), method };
    this.#cancelTimer = this.#environment.clock.after(suspectedMs, () => {
      void this.#supervisor.withInstance(() => checkSuspect(this.#context, true)).finally(() => this.#end());
    });
  }

  /** Whatever had to come has come. */
  async #mend({ calls }: LateCallReport): Promise<void> {
    const { checkpoint, instance, memory } = this.#context;
    await this.#begin();
    const { interval } = await insist(instance, "Ping", {});
    if (interval < checkpoint.current.interval) {
      if (calls.some(({ method }) => method === "ClearAllMemory")) {
        memory.suspect = { ...(memory.suspect ?? nothingLearned()), method: "ClearAllMemory" };
      }
      instance.doubt();
      await this.#supervisor.prepare(firstConnectMs);
    } else {
      await mendTicksUpTo(this.#context, interval);
    }
    const known = memory.suspect ?? nothingLearned();
    const suspect = memory.suspect;
    for (const { method } of calls) {
      memory.suspect = { ...known, method };
      await checkSuspect(this.#context, true);
    }
    memory.suspect = suspect;
  }

  #end(): void {
    this.#cancelTimer();
    this.#left = undefined;
    this.#context.memory.suspect = null;
  }

  async #methodAt({ at }: Intent): Promise<string | undefined> {
    for await (const step of this.#context.history.steps({ sequence: at.sequence, step: 0 }, at.sequence)) {
      if (comparePositions(step.at, at) === 0) return step.method;
    }
    return undefined;
  }
}

function nothingLearned(): Omit<Suspect, "method"> {
  return { frequencies: new Map(), hasLearned: false };
}
