import { parentPort, workerData } from "node:worker_threads";
import { explore } from "./explore.ts";

/** One thread's share of the seeds. */
export interface Share {
  first: number;
  count: number;
}

const { first, count } = workerData as Share;
parentPort?.postMessage((await explore(first, count)) ?? "");
