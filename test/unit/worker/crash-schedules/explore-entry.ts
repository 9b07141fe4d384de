import { parentPort, workerData } from "node:worker_threads";
import { explore } from "./explore.ts";

/** The seeds that one thread runs: `count` of them, from `first` on. */
export interface Share {
  first: number;
  count: number;
}

// What each thread of crash-schedules.test.ts runs. It posts what the first failure is, "" if there is none.
const { first, count } = workerData as Share;
parentPort?.postMessage((await explore(first, count)) ?? "");
