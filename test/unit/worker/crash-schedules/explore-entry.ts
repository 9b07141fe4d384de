import { parentPort, workerData } from "node:worker_threads";
import { explore } from "./explore.ts";

/** The seeds that one thread runs: `count` seeds from `first` on. */
export interface Share {
  first: number;
  count: number;
}

// The code that each thread of crash-schedules.test.ts runs. It posts the first failure in words; "" if there
// is none.
const { first, count } = workerData as Share;
parentPort?.postMessage((await explore(first, count)) ?? "");
