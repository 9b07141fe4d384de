import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Share } from "./explore-entry.ts";

/**
 * Runs `count` seeds from `first` on, in as many threads as there are cores. The first failure ends all of
 * them. Resolves to it, in words; "" if there is none.
 */
export async function runInThreads(first: number, count: number, isDamaged: boolean): Promise<string> {
  const number = Math.min(availableParallelism(), count);
  const ofEach = Math.ceil(count / number);
  const threads = Array.from({ length: number }, (_, index) => {
    const share: Share = { first: first + index * ofEach, count: ofEach, isDamaged };
    return new Worker(new URL("./explore-entry.ts", import.meta.url), { workerData: share });
  });
  const failed = Promise.withResolvers<string>();
  const all = threads.map(async (thread) => {
    const [failure] = await once(thread, "message");
    if (failure) failed.resolve(failure as string);
  });
  const passed = Promise.all(all).then(() => "");
  try {
    return await Promise.race([failed.promise, passed]);
  } finally {
    passed.catch(() => {});
    for (const thread of threads) await thread.terminate();
  }
}
