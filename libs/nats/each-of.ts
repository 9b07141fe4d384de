/** Many questions at once would have each of them wait for all of the others, past its limit. */
const underWay = 32;

/** Runs a task that asks NATS for each item, in order, 32 under way at most. Rejects as soon as one does. */
export async function eachOf<T>(items: readonly T[], task: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const run = async () => {
    for (const item of left) await task(item);
  };
  await Promise.all(Array.from({ length: underWay }, run));
}
