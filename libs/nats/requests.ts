import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "./connection.ts";
import { isLastingError } from "./errors.ts";

const retryAfterMs = 500;

/**
 * Makes a request to JetStream, again and again until it is answered. It is for the start of a service, when
 * NATS may be there and JetStream not yet. Rejects if the answer is an error that does not pass by itself,
 * and with any error once `stopping` is aborted.
 */
export async function untilAnswered<T>(
  request: () => Promise<T>,
  { log, stopping }: { log: Log; stopping: AbortSignal },
): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (isLastingError(error) || stopping.aborted) throw error;
      log.warn({ err: error }, "JetStream does not answer, asking again");
      await sleep(retryAfterMs);
    }
  }
}

/** With too many requests at a time, each would wait for all of the others, and pass its time limit. */
const concurrency = 32;

/**
 * Runs a task with requests to NATS for each item, 32 at a time at most. They start in order. Rejects as soon
 * as one does.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  task: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const run = async () => {
    for (const item of left) await task(item);
  };
  await Promise.all(Array.from({ length: concurrency }, run));
}
