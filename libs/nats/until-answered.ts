import { setTimeout as sleep } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Log } from "./connection.ts";

const againAfterMs = 500;
/** JetStream's codes for a cluster that has no leader, and for one that has too few servers at the moment. */
const passingErrors = [10008, 10005];

/**
 * Runs what asks JetStream at a service's start until it is answered: NATS may be there and not answer yet. Rejects with an answer
 * that is an error and will not pass, and with whatever error there is once `stopping` is aborted.
 */
export async function untilAnswered<T>(
  question: () => Promise<T>,
  { log, stopping }: { log: Log; stopping: AbortSignal },
): Promise<T> {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (isAnswer(error) || stopping.aborted) throw error;
      log.warn({ err: error }, "JetStream does not answer, asking again");
      await sleep(againAfterMs);
    }
  }
}

function isAnswer(error: unknown): boolean {
  return error instanceof JetStreamApiError && !passingErrors.includes(error.code);
}
