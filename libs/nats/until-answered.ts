import { setTimeout as sleep } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Log } from "./connection.ts";

const againAfterMs = 500;

/**
 * Runs what asks JetStream at a service's start until it is answered: NATS may be there and not answer yet. Rejects with an answer
 * that is an error, and with whatever error there is once `stopping` is aborted.
 */
export async function untilAnswered<T>(
  question: () => Promise<T>,
  { log, stopping }: { log: Log; stopping: AbortSignal },
): Promise<T> {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (error instanceof JetStreamApiError || stopping.aborted) throw error;
      log.warn({ err: error }, "JetStream does not answer, asking again");
      await sleep(againAfterMs);
    }
  }
}
