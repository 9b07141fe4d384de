import { Interrupted, LeaseLost, NatsAway } from "../model/interruptions.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface CheckpointWriterOptions {
  /** What is persisted now. */
  loaded: Checkpoint;
  /**
   * Persists a checkpoint. Rejects with LeaseLost when somebody else has written, with NatsAway when NATS
   * does not answer.
   */
  save: (checkpoint: Checkpoint) => Promise<void>;
  /** Told of the first of several failures in a row, and of each LeaseLost. */
  onError: (error: unknown) => void;
  /** Does a task in a while, unless it is cancelled. A test has a clock of its own. */
  later?: (task: () => void) => () => void;
}

const writeEveryMs = 100;

function afterPause(task: () => void): () => void {
  const timer = setTimeout(task, writeEveryMs).unref();
  return () => clearTimeout(timer);
}

/**
 * A processor's checkpoint, in memory and persisted.
 *
 * Invariants: what is persisted never says more than what is in memory, and is at most 100 ms behind it (A5).
 * `persist` resolves once it is persisted; `update` does not wait. A checkpoint is written only when what
 * `waitFor` was given for it is done: so the record of an outcome is never missing behind `applied`.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  readonly #later: (task: () => void) => () => void;
  #current: Checkpoint;
  #persisted: Checkpoint;
  /** The last of the writes, which follow one another. */
  #writing: Promise<void> = Promise.resolve();
  #cancelWrite: (() => void) | undefined;
  readonly #awaited = new Set<Promise<void>>();
  #afterwards: (() => void)[] = [];
  #isFailing = false;
  #isClosed = false;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
    this.#later = options.later ?? afterPause;
    this.#current = options.loaded;
    this.#persisted = options.loaded;
  }

  get current(): Checkpoint {
    return this.#current;
  }

  /** What would be there after a crash. */
  get persisted(): Checkpoint {
    return this.#persisted;
  }

  /** Changes it in memory. It is persisted soon. */
  update(changes: Partial<Checkpoint>): void {
    this.#current = { ...this.#current, ...changes };
    this.#writeLater();
  }

  /** Changes it, and resolves once that is persisted. To be waited for before anything else is called. */
  persist(changes: Partial<Checkpoint>): Promise<void> {
    this.#current = { ...this.#current, ...changes };
    return this.flush();
  }

  /** Has every later write wait for this. Where it rejects, nothing is written any more. */
  waitFor(done: Promise<void>): void {
    this.#awaited.add(done);
    done.then(
      () => this.#awaited.delete(done),
      () => {},
    );
  }

  /** Does a task once what is in memory now is persisted, and never where it will not be. */
  whenPersisted(task: () => void): void {
    this.#afterwards.push(task);
  }

  /** Writes nothing from now on, except a write that is under way: another writer takes its place. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWrite?.();
  }

  /** Persists what is in memory. Where NATS does not answer it rejects, and is tried again in a while. */
  flush(): Promise<void> {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    const write = () => this.#write();
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#isClosed) throw new Error("another writer has taken the checkpoint over");
    const latest = this.#current;
    const afterwards = this.#afterwards.splice(0);
    try {
      if (latest !== this.#persisted) {
        await Promise.all(this.#awaited).catch((cause: unknown) => {
          throw new NatsAway("an outcome cannot be kept", { cause });
        });
        await this.#options.save(latest);
        this.#persisted = latest;
        this.#isFailing = false;
      }
      for (const task of afterwards) task();
    } catch (error) {
      this.#afterwards.unshift(...afterwards);
      if (error instanceof Interrupted) this.#writeLater();
      throw error;
    }
  }

  #writeLater(): void {
    if (this.#isClosed) return;
    this.#cancelWrite ??= this.#later(() => this.flush().catch((error) => this.#fail(error)));
  }

  #fail(error: unknown): void {
    if (!this.#isFailing || error instanceof LeaseLost) this.#options.onError(error);
    this.#isFailing = true;
  }
}
