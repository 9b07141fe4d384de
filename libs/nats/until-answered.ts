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
