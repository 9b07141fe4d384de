import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import { forEachConcurrently } from "../../libs/nats/for-each-concurrently.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import { isSameEndpoint } from "../../libs/registry/processor-entry.ts";
import { Lease } from "./assignment/lease.ts";
import { Membership } from "./assignment/membership.ts";
import { RenewalMoments } from "./assignment/renewal-moments.ts";
import { shareOut } from "./assignment/shares.ts";
import { CheckpointBucketWatch } from "./checkpoint/checkpoint-bucket-watch.ts";
import { idleProbeMs } from "./idle-probes.ts";
import type { WorkerMetrics } from "./metrics.ts";
import type { Remembered } from "./processor/processor-environment.ts";
import type { ProcessorSlot } from "./processor/slot.ts";
import type { RunningProcessor } from "./running-processor.ts";
import { runProcessor, stopProcessor, trimLog } from "./running-processor.ts";
import { startSpreadTimer } from "./spread-timer.ts";
import type { WorkerContext } from "./worker-context.ts";
import { metricsOf } from "./worker-context.ts";

const reportTickMs = 250;
const archiveEveryMs = 1_000;
const announcementsPerLife = 3;
/** How long a worker that has lost NATS goes on stopping. */
const stopWithoutNatsMs = 1_000;
/**
 * Processors are registered, and leases come and go, many at a time. So changes within this time are handled
 * together.
 */
const changesPauseMs = 20;
/**
 * After so many processors that were started it is decided anew which ones are. 32 of them are started at a time. If a
 * thousand were started at once, each would wait until all are ready. That is longer than a lease lives, and longer than
 * a connection is waited for.
 */
const decidedAtOnce = 128;
/**
 * How long the next processors wait for those that are being started. A processor whose log has no leader
 * must not keep the rest waiting (A8).
 */
const beginningLimitMs = 1_000;

/**
 * Runs the processors whose leases it holds, and reports their states.
 *
 * Invariants: a processor runs only under its lease (A4), and has stopped before the lease is released. When
 * its endpoint changes, its old slot has stopped before a new one starts (A1). While one processor stops,
 * only the work on that processor waits (A8).
 */
export class Worker {
  readonly metrics: WorkerMetrics;
  readonly #context: WorkerContext;
  readonly #membership: Membership;
  readonly #running = new Map<string, RunningProcessor>();
  /** What this worker knows of each processor that it runs, or that it has run and nobody has run since. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #checkpointBucket: CheckpointBucketWatch;
  readonly #renewals: RenewalMoments;
  readonly #timers: NodeJS.Timeout[];
  #matching: Promise<void> = Promise.resolve();
  #isMatchDue = false;
  #stopping = false;

  private constructor(context: WorkerContext, membership: Membership) {
    this.#context = context;
    this.#membership = membership;
    const { settings, stores } = context;
    this.metrics = metricsOf(context, () => this.states);
    this.#checkpointBucket = new CheckpointBucketWatch(stores.checkpoints, context.log);
    this.#renewals = new RenewalMoments(settings.leaseMs);
    const running = () => this.#running.values();
    this.#timers = [
      setInterval(() => void this.#announce(), settings.leaseMs / announcementsPerLife),
      startSpreadTimer(reportTickMs, running, ({ reports }) => reports.tick()),
      startSpreadTimer(archiveEveryMs, running, ({ slot }) => slot.archiveIngestions()),
      startSpreadTimer(settings.trimEveryMs, running, (each) => void trimLog(each, context)),
    ];
    stores.registry.onChange(() => this.#match());
    stores.lateCalls.listen((report) => this.#running.get(report.processor)?.slot.heard(report));
  }

  static async start(context: WorkerContext): Promise<Worker> {
    let worker: Worker | undefined;
    const onChange = () => {
      if (worker) worker.#match();
    };
    const { name, stores, settings } = context;
    const membership = await Membership.open(stores.leases, name, settings.leaseMs, onChange);
    worker = new Worker(context, membership);
    // If NATS does not answer now, the first look comes later.
    await worker.restoreCheckpoints().catch(() => {});
    await worker.#announce();
    return worker;
  }

  /**
   * Stops every processor cleanly and releases its lease. While NATS is away nothing can be written, so then it
   * gives up soon. Whoever takes over finds out what was not written.
   */
  async stop(): Promise<void> {
    const withoutNats = this.#context.nats.disconnected().then(() => sleep(stopWithoutNatsMs));
    await Promise.race([this.#stopAll(), withoutNats]);
  }

  async #stopAll(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#context.stores.outcomes.stop();
    await this.#matching;
    // This comes first, so that the other workers take the processors that are released.
    await this.#membership.retire().catch(() => {});
    await Promise.all([...this.#running.values()].map((running) => this.#stopOne(running)));
  }

  /** The state of each of its processors. */
  get states(): ProcessorState[] {
    return [...this.#running.values()].map(({ reports }) => reports.state);
  }

  /** Those of its processors. */
  get slots(): ProcessorSlot[] {
    return [...this.#running.values()].map(({ slot }) => slot);
  }

  /** Writes every checkpoint again if their bucket was made anew since this was called last. */
  restoreCheckpoints(): Promise<void> {
    return this.#checkpointBucket.look(() => this.slots);
  }

  async #announce(): Promise<void> {
    try {
      const stored = await this.#membership.announce(this.#context.settings.processors);
      if (stored) this.#context.storeTime.note(stored);
    } catch (error) {
      this.#context.log.warn({ err: error }, "cannot announce this worker");
    }
    this.#match();
  }

  /**
   * Makes the processors that run here match the registry and the leases. It does so soon, and after the
   * matching that is under way.
   */
  #match(): void {
    if (this.#isMatchDue || this.#stopping) return;
    this.#isMatchDue = true;
    const match = async () => {
      await sleep(changesPauseMs);
      await this.#matchNow();
    };
    this.#matching = this.#matching
      .then(match)
      .catch((error) => this.#context.log.error({ err: error }, "cannot take what is to be run"));
  }

  /**
   * Releases the processors that should not run here, and starts those that should, some at a time. After
   * each group it is decided anew which ones these are.
   */
  async #matchNow(): Promise<void> {
    this.#isMatchDue = false;
    const tried = new Set<string>();
    while (!this.#stopping) {
      const due = this.#releaseOthers().filter(({ id }) => !tried.has(id));
      if (due.length === 0) return;
      const next = due.slice(0, decidedAtOnce);
      for (const { id } of next) tried.add(id);
      await forEachConcurrently(next, (entry) => this.#startOne(entry));
    }
  }

  /**
   * Stops the processors that should not run here any more, or whose endpoint has changed, or whether it is
   * trusted. Returns the processors to take.
   */
  #releaseOthers(): ProcessorEntry[] {
    const { name, settings, stores } = this.#context;
    const { processors } = settings;
    const registered = new Map(stores.registry.list().map((entry) => [entry.id, entry]));
    const holders = this.#membership.holders;
    for (const [id, holder] of holders) {
      if (holder !== name && !this.#running.has(id)) this.#remembered.delete(id);
    }
    for (const id of this.#running.keys()) holders.set(id, name);
    const workers = this.#membership.workers.set(name, processors);
    const of = { me: name, wanted: processors, processors: [...registered.keys()] };
    const plan = shareOut({ ...of, holders, workers });
    const released = new Set(plan.release);
    for (const running of [...this.#running.values()]) {
      const { id } = running.entry;
      running.slot.setPaused(registered.get(id)?.paused === true);
      const isMoved = !isSameEndpoint(running.entry, registered.get(id));
      if (isMoved || released.has(id)) this.#replace(running);
    }
    return plan.take.flatMap((id) => registered.get(id) ?? []);
  }

  async #startOne(entry: ProcessorEntry): Promise<void> {
    if (this.#stopping || this.#running.has(entry.id)) return;
    const { log, name, stores, settings } = this.#context;
    const onLeaseLost = () => this.#lost(entry.id);
    const wanted = { bucket: stores.leases, processor: entry.id, worker: name, leaseMs: settings.leaseMs };
    const lease = await Lease.take(
      { ...wanted, moments: this.#renewals, onLost: onLeaseLost, log },
      this.#membership.givenBackAt(entry.id),
    );
    if (!lease) return;
    log.info({ processor: entry.id }, "took the lease");
    this.metrics.leaseChanged("taken");
    const remembered = this.#remembered.get(entry.id) ?? {};
    this.#remembered.set(entry.id, remembered);
    const running = runProcessor(this.#context, this.metrics, {
      ...{ entry, lease, remembered, onLeaseLost },
      idleProbeMs: () => idleProbeMs(this.#running.size),
    });
    this.#running.set(entry.id, running);
    running.slot.setPaused(entry.paused === true);
    const opened = running.slot.start();
    // Gateways take silence to mean that no worker runs the processor, and refuse what is sent to it.
    running.reports.report();
    await Promise.race([opened, sleep(beginningLimitMs, undefined, { ref: false })]);
  }

  /** Stops a processor whose lease is lost. If it should run here, a new lease is taken for it. */
  #lost(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#context.log.error({ processor: id }, "lost the lease");
    this.#replace(running);
  }

  /** Stops a processor. Afterwards it is decided what runs in its place. */
  #replace(running: RunningProcessor): void {
    const { log } = this.#context;
    void this.#stopOne(running)
      .catch((err) => log.error({ err, processor: running.entry.id }, "cannot stop a processor cleanly"))
      .then(() => this.#match());
  }

  #stopOne(running: RunningProcessor): Promise<void> {
    running.stopping ??= stopProcessor(running, this.metrics, () => this.#running.delete(running.entry.id));
    return running.stopping;
  }
}
