import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessorState } from "../../libs/commands/messages/processor-state.ts";
import type { ProcessorEntry } from "../../libs/registry/processor-entry.ts";
import { Lease } from "./leases/lease.ts";
import { LeaseView } from "./leases/lease-view.ts";
import { shareOut } from "./leases/share.ts";
import { createWorkerMetrics } from "./metrics.ts";
import type { Running } from "./running.ts";
import { runningOf } from "./running.ts";
import { spread } from "./spread.ts";
import type { WorkerOptions } from "./worker-options.ts";

const reportTickMs = 250;
const announcementsPerLife = 3;
const drainMs = 500;
/** Processors are registered, and leases come and go, many at a time: they are looked at together. */
const changesPauseMs = 20;
/**
 * So many processors are begun at once: a thousand would have each of them wait until all are through, past what a lease lives and
 * a connection is waited for.
 */
const begunAtOnce = 32;
/** Those begun are waited for so long at most: one whose log has no leader must not keep the rest waiting (A8). */
const beginningLimitMs = 1_000;

/**
 * Runs the appliers of the processors whose leases it holds, answers their queries, and reports how they stand.
 *
 * Invariants: an applier runs only under its lease (A4), and has stopped before the lease is given back; a processor's old
 * applier has stopped before a new one starts, as when its endpoint changes (A1). Nothing waits for one processor's applier
 * to stop but what is to be done with that processor (A8).
 */
export class Worker {
  readonly metrics = createWorkerMetrics({
    states: () => this.states,
    isRegistered: (processor) => this.#options.registry.get(processor) !== undefined,
    natsReconnects: () => this.#options.nats.reconnects,
  });
  readonly #options: WorkerOptions;
  readonly #view: LeaseView;
  readonly #running = new Map<string, Running>();
  readonly #timers: NodeJS.Timeout[];
  #matching: Promise<void> = Promise.resolve();
  #isMatchDue = false;
  #stopping = false;

  private constructor(options: WorkerOptions, view: LeaseView) {
    this.#options = options;
    this.#view = view;
    const announceMs = options.leaseMs / announcementsPerLife;
    const running = () => this.#running.values();
    this.#timers = [
      setInterval(() => void this.#announce(), announceMs),
      spread(reportTickMs, running, ({ reports }) => reports.report()),
      spread(options.trimEveryMs, running, (each) => void this.#trim(each)),
    ];
    options.registry.onChange(() => this.#match());
  }

  static async start(options: WorkerOptions): Promise<Worker> {
    const { leases, name, leaseMs } = options;
    let worker: Worker | undefined;
    const view = await LeaseView.open(leases, name, leaseMs, () => {
      if (worker) worker.#match();
    });
    worker = new Worker(options, view);
    await worker.#announce();
    return worker;
  }

  /** Stops every applier cleanly and gives its lease back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#options.outcomes.stop();
    await this.#matching;
    // First, so that the others take what is given back.
    await this.#view.retire().catch(() => {});
    await Promise.all([...this.#running.values()].map((running) => this.#stopOne(running)));
  }

  /** How each of its processors stands. */
  get states(): ProcessorState[] {
    return [...this.#running.values()].map(({ reports }) => reports.state);
  }

  async #announce(): Promise<void> {
    try {
      await this.#view.announce(this.#options.processors);
    } catch (error) {
      this.#options.log.warn({ err: error }, "cannot announce this worker");
    }
    this.#match();
  }

  /** Makes what runs match the registry and the leases, soon, and after the matching under way. */
  #match(): void {
    if (this.#isMatchDue || this.#stopping) return;
    this.#isMatchDue = true;
    this.#afterMatching(async () => {
      await sleep(changesPauseMs);
      await this.#matchNow();
    });
  }

  #afterMatching(task: () => Promise<void>): void {
    this.#matching = this.#matching
      .then(task)
      .catch((error) => this.#options.log.error({ err: error }, "cannot take what is to be run"));
  }

  /** Gives back what is not to run here, and takes what is, some at a time; what that is, is asked anew each time. */
  async #matchNow(): Promise<void> {
    this.#isMatchDue = false;
    const tried = new Set<string>();
    while (!this.#stopping) {
      const due = this.#giveBack().filter(({ id }) => !tried.has(id));
      if (due.length === 0) return;
      const next = due.slice(0, begunAtOnce);
      for (const { id } of next) tried.add(id);
      await Promise.all(next.map((entry) => this.#startOne(entry)));
    }
  }

  /** Lets go whatever is not to run here any more, or not as it does, and says what is to be taken. */
  #giveBack(): ProcessorEntry[] {
    const { registry, processors, name } = this.#options;
    const wanted = new Map(registry.list().map((entry) => [entry.id, entry]));
    const holders = this.#view.holders;
    for (const id of this.#running.keys()) holders.set(id, name);
    const workers = this.#view.workers.set(name, processors);
    const plan = shareOut({ me: name, wanted: processors, processors: [...wanted.keys()], holders, workers });
    const giveBack = new Set(plan.giveBack);
    for (const running of [...this.#running.values()]) {
      const { id, grpc_endpoint } = running.entry;
      running.applier.setPaused(wanted.get(id)?.paused === true);
      const isMoved = wanted.get(id)?.grpc_endpoint !== grpc_endpoint;
      if (isMoved || giveBack.has(id)) this.#replace(running);
    }
    return plan.take.flatMap((id) => wanted.get(id) ?? []);
  }

  async #startOne(entry: ProcessorEntry): Promise<void> {
    if (this.#stopping || this.#running.has(entry.id)) return;
    const { log, name, leases, leaseMs } = this.#options;
    const lease = await Lease.take({
      bucket: leases,
      processor: entry.id,
      worker: name,
      leaseMs,
      onLost: () => this.#lost(entry.id),
      log,
    });
    if (!lease) return;
    log.info({ processor: entry.id }, "took the lease");
    this.metrics.leaseChanged("taken");
    const onLost = () => this.#lost(entry.id);
    const running = runningOf(this.#options, this.metrics, { entry, lease, onLost });
    this.#running.set(entry.id, running);
    running.applier.setPaused(entry.paused === true);
    const opened = running.applier.start();
    // Gateways refuse what nobody runs, and take its silence for that.
    running.reports.report();
    await Promise.race([opened, sleep(beginningLimitMs, undefined, { ref: false })]);
  }

  /** The lease is gone: the applier must not go on, and what it may do next it does with a lease taken anew. */
  #lost(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#options.log.error({ processor: id }, "lost the lease");
    this.#replace(running);
  }

  /** Stops an applier; what is to run in its place is matched anew then. */
  #replace(running: Running): void {
    const { log } = this.#options;
    void this.#stopOne(running)
      .catch((err) => log.error({ err, processor: running.entry.id }, "cannot stop an applier cleanly"))
      .then(() => this.#match());
  }

  #stopOne(running: Running): Promise<void> {
    running.stopping ??= this.#stopNow(running);
    return running.stopping;
  }

  async #stopNow({ entry, applier, lease, subscriptions }: Running): Promise<void> {
    // Whoever has asked this worker is answered by it.
    const drained = Promise.allSettled(subscriptions.map((subscription) => subscription.drain()));
    await Promise.race([drained, sleep(drainMs)]);
    await applier.stop().finally(() => this.#running.delete(entry.id));
    this.metrics.leaseChanged(lease.held ? "given-back" : "lost");
    await lease.release();
  }

  async #trim({ applier, entry }: Running): Promise<void> {
    const { history, log } = this.#options;
    await applier.trim(history).catch((error) => {
      log.warn({ err: error, processor: entry.id }, "cannot trim the log");
    });
  }
}
