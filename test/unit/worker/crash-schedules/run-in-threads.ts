import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Share } from "./explore-entry.ts";

/** Runs `count` seeds from `first` on, in as many threads as there are cores. Resolves to what failed, in words. */
export async function runInThreads(first: number, count: number, isDamaged: boolean): Promise<string> {
  const threads = Math.min(availableParallelism(), count);
  const ofEach = Math.ceil(count / threads);
  const failures = await Promise.all(
    Array.from({ length: threads }, async (_, index) => {
      const share: Share = { first: first + index * ofEach, count: ofEach, isDamaged };
      const thread = new Worker(new URL("./explore-entry.ts", import.meta.url), { workerData: share });
      const [failure] = await once(thread, "message");
      return failure as string;
    }),
  );
  return failures.filter(Boolean).join("\n");
}
