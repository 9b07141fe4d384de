import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const everyMs = 50;

/** How long probes took, in ms, since `startProbing`. */
export interface Probing {
  stop(): Promise<number[]>;
}

/** Asks for /health again and again. It does so in a thread of its own, because the fuzzer keeps this one busy. */
export function startProbing(url: string): Probing {
  const worker = new Worker(new URL(import.meta.url), { workerData: url });
  const result = new Promise<number[]>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return {
    stop: () => {
      worker.postMessage("stop");
      return result;
    },
  };
}

async function probe(url: string): Promise<void> {
  let isStopped = false;
  parentPort?.once("message", () => {
    isStopped = true;
  });
  const tookMs: number[] = [];
  while (!isStopped) {
    const startedAt = performance.now();
    const { status } = await fetch(`${url}/health`);
    if (status !== 200) throw new Error(`/health answers ${status}`);
    tookMs.push(performance.now() - startedAt);
    await sleep(everyMs);
  }
  parentPort?.postMessage(tookMs);
}

if (!isMainThread) await probe(String(workerData));
