import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Log } from "./connection.ts";
import { isNotPermitted } from "./errors.ts";
import { forEachConcurrently } from "./for-each-concurrently.ts";

export interface StreamKeeperOptions {
  connection: NatsConnection;
  /** The streams that there have to be, by their names, and what makes each. Asked for with each look. */
  wanted: () => Map<string, () => Promise<unknown>>;
  /** Called after each look, once all of them are there. */
  onComplete?: () => Promise<void>;
  log: Log;
}

const lookEveryMs = 2_000;
/** Where the rights of NATS's user do not let it list streams, each one is asked for. That costs more. */
const askEachEveryMs = 30_000;

/**
 * Makes streams anew that are missing while a service runs: NATS may have been started with an empty store,
 * or somebody may have deleted a stream.
 *
 * It looks every two seconds, and after each reconnect. A look that fails is repeated with the next one.
 */
export class StreamKeeper {
  readonly #options: StreamKeeperOptions;
  #looking: Promise<void> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #mayList = true;
  #names: ReadonlySet<string> | undefined;
  #hasFailed = false;
  #closed = false;

  constructor(options: StreamKeeperOptions) {
    this.#options = options;
    void this.#lookRepeatedly();
    void this.#lookAfterReconnects();
  }

  /** Looks now, or waits for the look that is under way since the latest reconnect. Rejects if that fails. */
  look(): Promise<void> {
    if (this.#looking) return this.#looking;
    const looking = this.#look().finally(() => {
      if (this.#looking === looking) this.#looking = undefined;
    });
    this.#looking = looking;
    return looking;
  }

  /** The names of all streams at the last look; undefined if NATS's user may not list them. */
  get names(): ReadonlySet<string> | undefined {
    return this.#names;
  }

  close(): void {
    this.#closed = true;
  }

  async #lookRepeatedly(): Promise<void> {
    const { connection } = this.#options;
    while (!this.#closed && !connection.isClosed()) {
      await sleep(lookEveryMs, undefined, { ref: false });
      const dueMs = this.#mayList ? lookEveryMs : askEachEveryMs;
      if (!this.#closed && performance.now() - this.#lookedAt >= dueMs)
        await this.look().catch((error) => this.#note(error));
    }
  }

  async #lookAfterReconnects(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) {
      if (this.#closed) return;
      if (type !== "reconnect") continue;
      // What was asked before then may get no answer.
      this.#looking = undefined;
      this.look().catch((error) => this.#note(error));
    }
  }

  async #look(): Promise<void> {
    const { wanted, onComplete, log } = this.#options;
    this.#lookedAt = performance.now();
    const there = await this.#list();
    this.#names = there;
    const missing = [...wanted()].filter(([name]) => !there?.has(name));
    if (there && missing.length > 0) {
      const streams = missing.map(([name]) => name);
      log.warn({ streams }, "NATS does not have these streams, they are made anew");
    }
    await forEachConcurrently(missing, ([, make]) => make());
    await onComplete?.();
    this.#hasFailed = false;
  }

  /** The names of all streams; undefined if this user may not list them. */
  async #list(): Promise<Set<string> | undefined> {
    if (!this.#mayList) return undefined;
    const manager = await jetstreamManager(this.#options.connection, { checkAPI: false, timeout: 2_000 });
    const names = new Set<string>();
    try {
      for await (const name of manager.streams.names()) names.add(name);
    } catch (error) {
      if (!isNotPermitted(error)) throw error;
      this.#mayList = false;
      return undefined;
    }
    return names;
  }

  #note(error: unknown): void {
    if (!this.#hasFailed) this.#options.log.warn({ err: error }, "cannot look after NATS's streams");
    this.#hasFailed = true;
  }
}
