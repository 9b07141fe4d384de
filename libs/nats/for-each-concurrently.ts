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
