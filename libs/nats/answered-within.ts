import { setTimeout as sleep } from "node:timers/promises";

/** What JetStream answers. Rejects if it takes longer than `timeoutMs`: a bucket may have no leader, or be gone. */
export function answeredWithin<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const tooLate = sleep(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error("JetStream does not answer");
  });
  return Promise.race([answer, tooLate]);
}
