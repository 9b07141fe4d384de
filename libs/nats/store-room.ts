import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Log } from "./connection.ts";
import { askUnreserved } from "./store-capacity.ts";

export interface StoreRoomOptions {
  connection: NatsConnection;
  /** What all streams together may take, in bytes; 0 to ask JetStream. */
  maxBytes: number;
  /** The share of it that is kept free of commands. */
  reservePercent: number;
  /** How many replicas each stream has. JetStream counts the bytes of all of them. */
  replicas: number;
  log: Log;
}

/**
 * - `ample`: there is room for everything.
 * - `tight`: the logs give up their history.
 * - `short`: only what helps to free room may be stored besides what the system keeps for itself.
 * - `spent`: the system has used half of its reserve. No command may be stored.
 */
export type RoomState = "ample" | "tight" | "short" | "spent";

const askEveryMs = 1_000;
/** How often the capacity is asked for. It changes when NATS is started with another `max_file_store`. */
const capacityEveryMs = 10_000;
/** A writer that has stored this share of the reserve has the use asked for again at once. */
const writtenShare = 1 / 8;

/**
 * How much room JetStream's storage has.
 *
 * All streams and buckets share the storage. Where it is full, JetStream stores nothing at all: no lease is
 * renewed, no checkpoint is written, nothing can be deleted by a marker. So commands, which are what fills it,
 * are refused while there is still room: the reserve.
 *
 * JetStream is asked for the use every second. What this process stores in between is counted on top of it.
 * While the capacity is not known, the room counts as ample.
 */
export class StoreRoom {
  readonly #options: StoreRoomOptions;
  readonly #timer: NodeJS.Timeout;
  #capacity: number | undefined;
  /** What of the capacity no stream has reserved. */
  #unreserved: number | undefined;
  #capacityAt = Number.NEGATIVE_INFINITY;
  #used = 0;
  /** What this process has stored since the use was asked for. */
  #written = 0;
  #asking: Promise<void> | undefined;
  #told: RoomState = "ample";
  #isUnknownTold = false;

  private constructor(options: StoreRoomOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.ask(), askEveryMs);
  }

  /** Resolves once JetStream was asked for the first time, whether it has answered or not. */
  static async open(options: StoreRoomOptions): Promise<StoreRoom> {
    const room = new StoreRoom(options);
    await room.ask();
    return room;
  }

  /** What all streams and buckets take, in bytes. */
  get usedBytes(): number {
    return this.#used + this.#written;
  }

  /** What they may take, the reserve included; undefined while that is not known. */
  get capacityBytes(): number | undefined {
    return this.#capacity;
  }

  /** How much of the capacity is kept free of commands, in bytes; undefined while that is not known. */
  get reserveBytes(): number | undefined {
    return this.#capacity && (this.#capacity * this.#options.reservePercent) / 100;
  }

  /**
   * What one command log may take, in bytes: half of what all may take, so that one processor does not stop all
   * others. Infinity while the capacity is not known.
   */
  get perLogBytes(): number {
    const { capacityBytes = Number.POSITIVE_INFINITY, reserveBytes = 0 } = this;
    return (capacityBytes - reserveBytes) / 2;
  }

  /** How the room stands once so many more bytes are stored. */
  stateWith(bytes = 0): RoomState {
    const { reserveBytes: reserve, capacityBytes: capacity } = this;
    if (reserve === undefined || capacity === undefined) return "ample";
    const free = capacity - this.usedBytes - bytes;
    if (free <= reserve / 2) return "spent";
    if (free <= reserve) return "short";
    return free <= 2 * reserve ? "tight" : "ample";
  }

  /** Counts bytes that this process has stored. */
  wrote(bytes: number): void {
    this.#written += bytes;
    if (this.#written > (this.reserveBytes ?? Number.POSITIVE_INFINITY) * writtenShare) void this.ask();
  }

  /** Asks JetStream, unless that is under way. Never rejects: what is known stays if there is no answer. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask()
      .catch(() => {})
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  /** Has the capacity asked for with the next question, as NATS may have been started with another one. */
  forgetCapacity(): void {
    this.#capacityAt = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    const { connection, replicas, log } = this.#options;
    const writtenBefore = this.#written;
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 });
    const { storage } = await manager.getAccountInfo();
    this.#used = storage / replicas;
    this.#written -= writtenBefore;
    await this.#askCapacity();
    if (this.#capacity === undefined && !this.#isUnknownTold) {
      this.#isUnknownTold = true;
      log.info(
        {},
        "JetStream does not tell how large its storage is, so none is kept free; set STORE_MAX_BYTES",
      );
    }
    const state = this.stateWith();
    if (state === this.#told) return;
    this.#told = state;
    const facts = { used: this.usedBytes, capacity: this.capacityBytes, reserve: this.reserveBytes };
    if (state === "ample" || state === "tight")
      log.info(facts, `the room in JetStream's storage is ${state}`);
    else log.warn(facts, `the room in JetStream's storage is ${state}, commands are refused`);
  }

  async #askCapacity(): Promise<void> {
    const { connection, maxBytes } = this.#options;
    const now = performance.now();
    if (now - this.#capacityAt < capacityEveryMs) return;
    this.#capacityAt = now;
    if (maxBytes > 0) {
      this.#capacity = maxBytes;
      return;
    }
    const unreserved = await askUnreserved(connection, this.#unreserved);
    this.#unreserved = unreserved;
    this.#capacity = unreserved === undefined ? undefined : unreserved + (await reservedBytes(connection));
  }
}

/** What the streams of this account have reserved by their `max_bytes`. */
async function reservedBytes(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const account: { reserved_storage?: number } = await manager.getAccountInfo();
  if (account.reserved_storage !== undefined) return account.reserved_storage;
  let reserved = 0;
  // Servers before 2.10 do not tell the sum.
  for await (const { config } of manager.streams.list()) reserved += Math.max(0, config.max_bytes);
  return reserved;
}
