import { parentPort, workerData } from "node:worker_threads";
import { exploreDamage } from "./damage.ts";
import { explore } from "./explore.ts";

/** The seeds that one thread runs: `count` seeds from `first` on. */
export interface Share {
  first: number;
  count: number;
  /** Whether the store is damaged in these schedules. */
  isDamaged: boolean;
}

// The code that each thread of the schedules' tests runs. It posts the first failure in words; "" if there is
// none.
const { first, count, isDamaged } = workerData as Share;
parentPort?.postMessage((await (isDamaged ? exploreDamage : explore)(first, count)) ?? "");
