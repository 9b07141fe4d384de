import { Interrupted, LeaseLost, NatsAway } from "../model/interruptions.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface CheckpointWriterOptions {
  /** The checkpoint that is persisted now. */
  loaded: Checkpoint;
  /**
   * Persists a checkpoint. Rejects with LeaseLost if somebody else has written one, and with NatsAway if NATS
   * does not answer.
   */
  save: (checkpoint: Checkpoint) => Promise<void>;
  /** Called with the first of several failures in a row, and with each LeaseLost. */
  onError: (error: unknown) => void;
  /** Does a task in a while. The function that is returned cancels it. A test has a clock of its own. */
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
 * Invariants: the persisted checkpoint never says more than the one in memory, and is at most 100 ms behind
 * it (A5). `persist` resolves once it is persisted; `update` does not wait. A checkpoint is written only when
 * every promise that `waitFor` was given has resolved. So once a persisted `applied` has passed a command,
 * the record of its outcome is there.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  readonly #later: (task: () => void) => () => void;
  #current: Checkpoint;
  #persisted: Checkpoint;
  /** The latest write. It waits for the one before it. */
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

  /** The checkpoint that a worker would load after a crash. */
  get persisted(): Checkpoint {
    return this.#persisted;
  }

  /** Changes the checkpoint in memory. It is persisted soon. */
  update(changes: Partial<Checkpoint>): void {
    this.#current = { ...this.#current, ...changes };
    this.#writeLater();
  }

  /**
   * Changes the checkpoint, and resolves once the change is persisted. The caller has to wait for that before
   * anything else is called.
   */
  persist(changes: Partial<Checkpoint>): Promise<void> {
    this.#current = { ...this.#current, ...changes };
    return this.flush();
  }

  /** Has every later write wait for this promise. If it rejects, nothing is written any more. */
  waitFor(done: Promise<void>): void {
    this.#awaited.add(done);
    done.then(
      () => this.#awaited.delete(done),
      () => {},
    );
  }

  /**
   * Does a task once the checkpoint that is in memory now is persisted. If that never happens, the task is
   * never done.
   */
  whenPersisted(task: () => void): void {
    this.#afterwards.push(task);
  }

  /** Ends all writing, because another writer takes over. A write that is under way is still finished. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWrite?.();
  }

  /**
   * Persists the checkpoint that is in memory. Rejects if NATS does not answer. Then it is tried again in a
   * while.
   */
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
