import type { IngestionCounts } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { Interrupted, LeaseLost, NatsAway } from "../interruptions.ts";
import type { Mark } from "./mark.ts";
import type { Position } from "./position.ts";

/** What the applier persists of a processor (docs/architecture.md, The applier; docs/recovery.md, What is kept). */
export interface Checkpoint {
  /** The worker that has written it: the first thing a new one writes, so that an older one's writes fail from then on. */
  epoch: string;
  /** The sequence up to which the instance has the effect of every command. */
  applied: number;
  /** How many steps of the command after `applied` the instance has the effect of besides. */
  step: number;
  /** What the instance's interval is once it has all that. */
  interval: number;
  /** Added to the instance's interval it gives what clients see, which goes on counting over a restart. */
  offset: number;
  /** The command that may have been begun. */
  mark: Mark | null;
  /**
   * An Observe of the applier's own that may have been begun: empty, it ticks and makes no event. `unseen` is the Observe of the
   * log that it waits for, whose tick is there and which is not in the checkpoint yet.
   */
  ownObserve: { unseen: Position | null } | null;
  /** A rebuild is under way that began at this interval. */
  rebuilding: { base: number; inPlace: boolean } | null;
  /** The first step that a rebuild replays: later than every Learn and clear. */
  replayFrom: Position;
  /** The event that an auto-learn left in working memory before `replayFrom`. */
  keptEvent: string[] | null;
  /** The first Observe with vectors since the last Learn, through clears. */
  vectorsFrom: Position | null;
  /** The symbols of the events with vectors since the last Learn, in order. */
  vectorEvents: { at: Position; symbols: string[] }[];
  /** Observes that stand in the log and that the instance never began, and its interval meanwhile. */
  notBegun: { from: Position; through: Position; interval: number }[];
  /** A replay of the history is under way: the commands up to `through` were applied before. */
  replaying: { through: number; isCleared: boolean } | null;
  /** How many events working memory holds. */
  events: number;
  /** What is counted of the ingestions under way, by their ids. */
  ingestions: Record<string, IngestionCounts>;
  settings: Settings;
  /** The settings that the instance had when the gateway came to know it: those before the log's first command. */
  adopted: Settings | null;
  /** The unique_id of the latest observation that succeeded, "" before the first. */
  latestUniqueId: string;
  /** What KATO does not let anybody restore, "" when nothing is amiss (docs/recovery.md, last section). */
  degraded: string;
}

/** What a restart takes back to the manifest's values. */
export interface Settings {
  /** Genes as they were set, or asked from the instance when there was no checkpoint. */
  genes: Record<string, number>;
  /** The recall threshold that is searched with, where it was made effective; null: the manifest's. */
  searchedThreshold: number | null;
  predicting: boolean;
  /** Whether predicting was on at the latest Observe with symbols. */
  predictedLast: boolean;
  sleeping: boolean;
}

/** Nothing applied, of an instance that nothing is known of. */
export const firstCheckpoint: Checkpoint = {
  epoch: "",
  applied: 0,
  step: 0,
  interval: 0,
  offset: 0,
  mark: null,
  ownObserve: null,
  rebuilding: null,
  replayFrom: { sequence: 1, step: 0 },
  keptEvent: null,
  vectorsFrom: null,
  vectorEvents: [],
  notBegun: [],
  replaying: null,
  events: 0,
  ingestions: {},
  settings: { genes: {}, searchedThreshold: null, predicting: true, predictedLast: true, sleeping: false },
  adopted: null,
  latestUniqueId: "",
  degraded: "",
};

const everyMs = 100;

function soon(task: () => void): () => void {
  const timer = setTimeout(task, everyMs).unref();
  return () => clearTimeout(timer);
}

/**
 * The checkpoint of a processor, in memory and persisted.
 *
 * Invariant: what is persisted never says more than what is in memory, and is at most 100 ms behind it (A5). `ahead` resolves
 * once it is persisted; `note` does not wait. What is told to `hold` is done before the checkpoint says that its command is
 * applied: so a record of an outcome is never missing.
 */
export class CheckpointBook {
  #current: Checkpoint;
  #persisted: Checkpoint;
  readonly #save: (checkpoint: Checkpoint) => Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  /** The latest write failed, and that was said. */
  #isFailing = false;
  #isClosed = false;
  #cancelWrite: (() => void) | undefined;
  readonly #later: (task: () => void) => () => void;
  readonly #held = new Set<Promise<void>>();
  #afterwards: (() => void)[] = [];
  readonly #onError: (error: unknown) => void;

  constructor(options: {
    loaded: Checkpoint;
    /** Rejects when somebody else has written. */
    save: (checkpoint: Checkpoint) => Promise<void>;
    /** Told once of failures that follow each other, and of each LeaseLost. */
    onError: (error: unknown) => void;
    /** Does a task in a while, unless it is cancelled; a test has a clock of its own. */
    later?: (task: () => void) => () => void;
  }) {
    this.#current = options.loaded;
    this.#persisted = options.loaded;
    this.#save = options.save;
    this.#onError = options.onError;
    this.#later = options.later ?? soon;
  }

  get current(): Checkpoint {
    return this.#current;
  }

  /** What would be there after a crash. */
  get persisted(): Checkpoint {
    return this.#persisted;
  }

  /** Changes it in memory; persisted soon. */
  note(changes: Partial<Checkpoint>): void {
    this.#current = { ...this.#current, ...changes };
    this.#writeLater();
  }

  /** Changes it and persists it before anything else is done. */
  ahead(changes: Partial<Checkpoint>): Promise<void> {
    this.#current = { ...this.#current, ...changes };
    return this.flush();
  }

  /** Has the next write wait for this; where it fails nothing is written any more. */
  hold(done: Promise<void>): void {
    this.#held.add(done);
    done.then(
      () => this.#held.delete(done),
      () => {},
    );
  }

  /** Writes nothing from now on that is not on its way: another book has begun, or will. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWrite?.();
  }

  /** Does a task once what is in memory now is persisted, and never where it will not be. */
  whenPersisted(task: () => void): void {
    this.#afterwards.push(task);
  }

  /** Persists what is in memory; tried again in a while where NATS does not answer. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    const write = async () => {
      if (this.#isClosed) throw new Error("the checkpoint is written by another one");
      const latest = this.#current;
      const afterwards = this.#afterwards.splice(0);
      try {
        if (latest !== this.#persisted) {
          await Promise.all(this.#held).catch((cause: unknown) => {
            throw new NatsAway("an outcome cannot be kept", { cause });
          });
          await this.#save(latest);
          this.#persisted = latest;
          this.#isFailing = false;
        }
        for (const task of afterwards) task();
      } catch (error) {
        this.#afterwards.unshift(...afterwards);
        if (error instanceof Interrupted) this.#writeLater();
        throw error;
      }
    };
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  #writeLater(): void {
    if (this.#isClosed) return;
    this.#cancelWrite ??= this.#later(() => this.flush().catch((error) => this.#fail(error)));
  }

  /** It is tried again every moment for as long as NATS is away, but not without the lease. */
  #fail(error: unknown): void {
    if (!this.#isFailing || error instanceof LeaseLost) this.#onError(error);
    this.#isFailing = true;
  }
}
