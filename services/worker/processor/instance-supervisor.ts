import type { ProcessorState } from "../../../libs/commands/messages/processor-state.ts";
import type { Held } from "../checkpoint/checkpoint.ts";
import { isInstanceUnknown } from "../checkpoint/checkpoint.ts";
import { adopt } from "../engine/adopt.ts";
import type { Context } from "../engine/context.ts";
import { reconcile } from "../engine/reconcile.ts";
import type { Clock } from "../model/clock.ts";
import type { HeldLease } from "../model/held-lease.ts";
import { checkHeld } from "../model/held-lease.ts";
import { Interrupted, LeaseLost, LogIncomplete, NatsAway, NotProvable } from "../model/interruptions.ts";
import type { CancellationGate } from "./cancellation.ts";
import { heldBecause } from "./held-because.ts";
import { noteLostEvidence } from "./lost-evidence.ts";
import { Mutex } from "./mutex.ts";
import { freshMs, ProbePace } from "./probe-pace.ts";
import type { Status } from "./status.ts";

export interface SupervisorOptions {
  context: Context;
  lease: HeldLease;
  status: Status;
  gate: CancellationGate;
  clock: Clock;
  /** The last sequence in the processor's log. */
  lastStored: () => Promise<number>;
  /** How often an instance is asked that nobody has used for a while. */
  idleProbeMs: () => number;
}

/** How long a task that needs the instance waits for its connection. */
export const firstConnectMs = 1_000;
/** How long a stop waits for the call under way. */
const closeGraceMs = 5_000;
/** After how long an instance that is away is looked for again. */
export const retryMs = 500;

/**
 * Keeps the processor's instance reconciled, and lets one task at a time have it.
 *
 * Invariant: whatever calls the instance does so within `exclusively` (A1), after `prepare` has said that it
 * is there. `prepare` reconciles the instance once for each connection and after each `doubt`. It adopts an
 * instance that is new to the gateway.
 */
export class InstanceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #mutex = new Mutex();
  #mustAdopt: boolean;
  /** Why an instance that is there cannot be used, in words for people. */
  #obstacle: string | undefined;
  /**
   * Whether the log may not have what the checkpoint says of it: NATS was away since they were compared, or the log
   * lacks something. Until they are compared again nothing is reconciled, because that rests on the log.
   */
  isLogInDoubt = false;
  /** Called each time that it is known what the instance has, before anything is applied. */
  onReconciled: () => Promise<void> = async () => {};
  /** Called once it is known what an instance has whose log has lost commands. */
  onLossSettled: () => void = () => {};
  /** Whether the instance was not reconciled yet. */
  #isFirst = true;
  #isClosing = false;
  readonly #pace: ProbePace;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#mustAdopt = isInstanceUnknown(options.context.checkpoint.current);
    this.#pace = new ProbePace(options.clock, options.idleProbeMs);
  }

  /** Runs `task` once every task before it has ended. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#mutex.run(task);
  }

  /** Likewise, and notes that the instance is in use: for a while it is then asked more often whether it is there. */
  inUse<T>(task: () => Promise<T>): Promise<T> {
    this.#pace.used();
    return this.exclusively(task);
  }

  /**
   * Runs a task with the instance once that is there and reconciled. Resolves to undefined if it is not, if
   * it goes away meanwhile, or if the lease is lost.
   */
  withInstance<T>(task: () => Promise<T>): Promise<T | undefined> {
    return this.inUse(async () => {
      try {
        return (await this.prepare(firstConnectMs)) ? await task() : undefined;
      } catch (error) {
        if (!(error instanceof Interrupted || error instanceof LeaseLost)) throw error;
        this.doubt(error);
        return undefined;
      }
    });
  }

  /** Likewise, for what rests on the log too: while that is in doubt it resolves to undefined. */
  withLog<T>(task: () => Promise<T>): Promise<T | undefined> {
    return this.withInstance(async () => (this.isLogInDoubt ? undefined : task()));
  }

  /** Notes that after this error it is not known any more what the instance has. */
  doubt(error?: unknown): void {
    this.#options.context.instance.doubt();
    if (error instanceof NatsAway) this.#obstacle = error.message;
  }

  /** Why the instance cannot be used, in words for people. */
  get whyDown(): string {
    return this.#obstacle ?? this.#options.context.instance.whyDown;
  }

  /**
   * Makes the instance ready. Resolves to whether it is there and reconciled, and its database is not known
   * to be away. A processor that is held has no instance that is ready. Throws Interrupted if the instance
   * goes away meanwhile or cannot be reconciled now, and LeaseLost without the lease (A4).
   */
  async prepare(timeoutMs: number): Promise<boolean> {
    const { instance } = this.#options.context;
    checkHeld(this.#options.lease, instance.processor);
    if (this.#held) return false;
    if (!(await this.#attach(timeoutMs))) return false;
    return !instance.isDatabaseSuspected || this.#probeDatabase();
  }

  get #held(): Held | null {
    return this.#options.context.checkpoint.current.held;
  }

  async #attach(timeoutMs: number): Promise<boolean> {
    const { context, status } = this.#options;
    if (context.instance.reconciled) return true;
    if (this.isLogInDoubt) return false;
    this.#obstacle = undefined;
    return context.instance.reconcile(timeoutMs, async (interval) => {
      const before = status.state;
      status.become("rebuilding");
      await this.#reconcile(interval);
      const { applied } = context.checkpoint.current;
      context.log.info({ interval, applied }, "the instance is reconciled");
      this.#becomeUp(before);
    });
  }

  /**
   * Reconciles the instance. If that fails, no command is to blame, so none is skipped: it is tried until it
   * succeeds.
   */
  async #reconcile(interval: number): Promise<void> {
    const { context, gate } = this.#options;
    try {
      const mustAdopt = this.#mustAdopt || context.checkpoint.current.adopting;
      const wasLost = context.checkpoint.current.ifRestarted !== null;
      const isAdopted = mustAdopt && (await adopt(context, interval));
      if (!mustAdopt && this.#isFirst) await noteLostEvidence(context, interval, () => this.#lastStored());
      this.#mustAdopt = false;
      await reconcile(context, interval, isAdopted);
      context.memory.unaccounted = 0;
      await this.onReconciled();
      gate.reconciled();
      this.#isFirst = false;
      if (wasLost) this.onLossSettled();
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      this.doubt(error);
      if (error instanceof LogIncomplete) this.isLogInDoubt = true;
      if (error instanceof NotProvable) await this.#hold(error.message);
      if (error instanceof Interrupted) throw error;
      context.log.error({ err: error }, "cannot find out what the instance has");
      this.#obstacle = "what its instance answers makes no sense";
      throw new Interrupted(this.#obstacle, { cause: error });
    }
  }

  /** Has nothing applied until somebody decides. */
  async #hold(reason: string): Promise<void> {
    const { context, clock } = this.#options;
    const held = heldBecause(reason, await this.#lastStored(), { log: context.log, clock });
    await context.checkpoint.persist({ held });
  }

  async #lastStored(): Promise<number> {
    return this.#options.lastStored().catch((cause) => {
      throw new NatsAway("the log cannot be read", { cause });
    });
  }

  #becomeUp(before: ProcessorState["state"]): void {
    const { context, status } = this.#options;
    const state = before === "applying" ? "applying" : "ready";
    status.become(context.checkpoint.current.replaying ? "rebuilding" : state);
  }

  /**
   * Notices when an idle instance goes away or comes back, until `close`. A busy instance is not asked,
   * because its calls show whether it is there.
   */
  async watch(): Promise<void> {
    const { status, context } = this.#options;
    while (!this.#isClosing) {
      const isThere = await this.#mutex
        .run(() => this.#look())
        .catch((error) => {
          if (error instanceof Interrupted) return false;
          throw error;
        });
      if (this.#isClosing) return;
      if (this.#held) status.become("held");
      else if (!isThere) status.become("down", this.whyDown);
      else if (status.state === "down") this.#becomeUp("ready");
      await this.#pace.pause(context.instance.connectionChange(isThere ? this.#pace.nextMs : retryMs));
    }
  }

  async #look(): Promise<boolean> {
    const { context } = this.#options;
    if (!(await this.prepare(firstConnectMs))) return false;
    if (context.instance.silentMs < freshMs) return true;
    // Another interval than the expected one means a restart, or a call of somebody else. Reconciling finds
    // out which.
    const { interval } = context.checkpoint.current;
    const { isDatabaseDue } = this.#pace;
    const probe = isDatabaseDue ? this.#probeDatabase(interval) : context.instance.probe(interval);
    const isThere = await probe;
    return isThere && (context.instance.reconciled || this.prepare(firstConnectMs));
  }

  /** With an interval it is also seen whether the instance has this one, as by a Ping. */
  #probeDatabase(interval?: number): Promise<boolean> {
    this.#pace.databaseProbed();
    return this.#options.context.instance.probeDatabase(interval);
  }

  /**
   * Closes the connection once the task that has the instance has ended. An instance that hangs is waited for
   * only a short time, and without the lease not at all. A call under way then goes on in the instance.
   * Whoever attaches to the instance next reconciles it.
   */
  async close(): Promise<void> {
    const { context, lease, clock } = this.#options;
    this.#isClosing = true;
    const cancelTimer = clock.after(lease.held ? closeGraceMs : 0, () => context.instance.close());
    await this.exclusively(async () => context.instance.close());
    cancelTimer();
  }
}
