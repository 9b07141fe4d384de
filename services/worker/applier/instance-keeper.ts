import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { EndpointPolicy } from "../../../libs/registry/endpoint-policy.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { Instance } from "../instance/instance.ts";
import { Turns } from "../instance/turns.ts";
import { Interrupted, LeaseLost, NatsAway } from "../interruptions.ts";
import { adopt } from "../recovery/adopt.ts";
import { reconcile } from "../recovery/reconcile.ts";
import type { Context } from "../steps/context.ts";
import type { Telemetry } from "../steps/step-watch.ts";
import type { OpenProcessor } from "./open-processor.ts";
import type { Standing } from "./standing.ts";
import type { StartGate } from "./start-gate.ts";

export interface InstanceKeeperOptions {
  processor: string;
  endpoint: string;
  callTimeoutMs: number;
  endpointPolicy: EndpointPolicy;
  telemetry: Telemetry;
  /** Whether this worker may still call the instance (A4). */
  mayCall: () => boolean;
  standing: Standing;
  gate: StartGate;
  log: Logger;
}

/** How often an idle instance is asked whether it is there: 1.0 to 1.4 s, so that those of many processors are not asked at once. */
const probeEveryMs = { least: 1_000, spread: 400 };
/** How often an idle instance is asked whether its database is there. */
const databaseEveryMs = 15_000;

/** How long whoever needs the instance waits for its connection. */
export const firstConnectMs = 1_000;

/** How long a stop waits for the call under way. */
const closeGraceMs = 5_000;

/** How long until an instance that is away is looked for again. */
export const retryMs = 500;

/**
 * Keeps the processor's instance reconciled, and lets one task at a time have it.
 *
 * Invariant: whatever calls the instance does so within `turn` (A1), after `prepare` has said that it is there. `prepare`
 * reconciles it once for each connection and each doubt, and adopts one that is new to the gateway. What answers under another
 * processor's id is not there.
 */
export class InstanceKeeper {
  readonly instance: Instance;
  readonly #options: InstanceKeeperOptions;
  readonly #turns = new Turns();
  #open: OpenProcessor | undefined;
  #isNew = false;
  /** What keeps an instance that is there from being used, for people. */
  #obstacle: string | undefined;
  #stopping = false;
  #databaseProbedAt = performance.now();

  constructor(options: InstanceKeeperOptions) {
    this.#options = options;
    this.instance = new Instance(options);
  }

  /** From now on it can be known what the instance has. */
  open(open: OpenProcessor): void {
    this.#open = open;
    this.#isNew = open.isNew;
  }

  /** Runs `task` once every one before it has ended. */
  turn<T>(task: () => Promise<T>): Promise<T> {
    return this.#turns.run(task);
  }

  /**
   * Does something with the instance once it is there and reconciled; undefined where it is not, or goes away meanwhile, or is
   * this worker's no more.
   */
  withInstance<T>(task: () => Promise<T>): Promise<T | undefined> {
    return this.turn(async () => {
      try {
        return (await this.prepare(firstConnectMs)) ? await task() : undefined;
      } catch (error) {
        if (!(error instanceof Interrupted || error instanceof LeaseLost)) throw error;
        this.doubt(error);
        return undefined;
      }
    });
  }

  /** After this error it is no longer known what the instance has. */
  doubt(error: unknown): void {
    this.instance.doubt();
    this.#obstacle = error instanceof NatsAway ? error.message : undefined;
  }

  /** Why the instance cannot be used, for people. */
  get whyDown(): string {
    return this.#obstacle ?? this.instance.whyDown;
  }

  /**
   * Whether the instance is there and reconciled, or becomes so, and its database is not known to be away. Throws Interrupted when it
   * goes away meanwhile or cannot be reconciled now, LeaseLost without the lease (A4).
   */
  async prepare(timeoutMs: number): Promise<boolean> {
    const { processor, mayCall } = this.#options;
    if (!mayCall()) throw new LeaseLost(processor);
    if (!(await this.#attach(timeoutMs))) return false;
    return !this.instance.isDatabaseSuspected || this.#probeDatabase();
  }

  async #attach(timeoutMs: number): Promise<boolean> {
    if (this.instance.reconciled) return true;
    const { standing, gate, log } = this.#options;
    const context = this.#open?.context;
    if (!context) return false;
    this.#obstacle = undefined;
    return this.instance.reconcile(timeoutMs, async (interval) => {
      const before = standing.state;
      standing.become("rebuilding");
      await this.#findOut(context, interval);
      gate.reconciled();
      log.info({ interval, applied: context.book.current.applied }, "the instance is reconciled");
      this.#isBack(before);
    });
  }

  /** Nothing in the log is to blame for what fails here, so it is tried until it succeeds. */
  async #findOut(context: Context, interval: number): Promise<void> {
    try {
      if (this.#isNew) await adopt(context, interval);
      this.#isNew = false;
      await reconcile(context, interval);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.doubt(error);
      if (error instanceof Interrupted) throw error;
      this.#options.log.error({ err: error }, "cannot find out what the instance has");
      this.#obstacle = "what its instance answers makes no sense";
      throw new Interrupted(this.#obstacle, { cause: error });
    }
  }

  #isBack(before: ProcessorState["state"]): void {
    const isReplaying = this.#open?.context.book.current.replaying;
    const state = before === "applying" ? "applying" : "ready";
    this.#options.standing.become(isReplaying ? "rebuilding" : state);
  }

  /**
   * Notices when the instance goes and comes while there is nothing to apply, until `close`. One that is busy is not asked: what
   * it is at shows whether it is there.
   */
  async watch(): Promise<void> {
    const { standing } = this.#options;
    while (!this.#stopping) {
      const everyMs = probeEveryMs.least + Math.random() * probeEveryMs.spread;
      const isThere = await this.turn(() => this.#look(everyMs)).catch((error) => {
        if (error instanceof Interrupted) return false;
        throw error;
      });
      if (this.#stopping) return;
      if (!isThere) standing.become("down", this.whyDown);
      else if (standing.state === "down") this.#isBack("ready");
      await this.instance.connectionChange(isThere ? everyMs : retryMs);
    }
  }

  async #look(everyMs: number): Promise<boolean> {
    if (!(await this.prepare(firstConnectMs))) return false;
    if (this.instance.silentMs < everyMs / 2) return true;
    const isDatabaseDue = performance.now() - this.#databaseProbedAt > databaseEveryMs;
    return isDatabaseDue ? this.#probeDatabase() : this.instance.probe();
  }

  #probeDatabase(): Promise<boolean> {
    this.#databaseProbedAt = performance.now();
    return this.instance.probeDatabase();
  }

  /**
   * Closes the instance once the task that has it has ended. An instance that hangs is not waited for, nor one without the lease:
   * a call under way goes on in it, and whoever attaches to it next reconciles that.
   */
  async close(): Promise<void> {
    this.#stopping = true;
    const giveUp = setTimeout(() => this.instance.close(), this.#options.mayCall() ? closeGraceMs : 0);
    await this.turn(async () => this.instance.close());
    clearTimeout(giveUp);
  }
}
