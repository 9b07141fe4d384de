import { nuid } from "@nats-io/transport-node";
import { batchHeaders, maxBatchMessages } from "../../nats/batches.ts";
import type { Numbers } from "./publish-queue.ts";

/**
 * A batch whose commands are being sent. JetStream stores all commands of a batch or none, and none before it has the
 * last one. If it misses one, it refuses the batch.
 */
export class OpenBatch {
  readonly #id = nuid.next();
  readonly #first: number;
  #count = 0;

  /** `first` is the number of its first command. */
  constructor(first: number) {
    this.#first = first;
  }

  /** Its commands until now. */
  get numbers(): Numbers {
    return { first: this.#first, count: this.#count };
  }

  /** Whether the next command has to be its last one. */
  get isNearlyFull(): boolean {
    return this.#count + 1 >= maxBatchMessages;
  }

  /** Counts the next command. Returns the headers that make it one of this batch. */
  mark(isLast: boolean): Record<string, string> {
    this.#count++;
    return batchHeaders(this.#id, this.#count, isLast);
  }
}
