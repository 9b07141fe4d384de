import { parentPort } from "node:worker_threads";
import { withEveryFault, withFaults } from "./every-fault.ts";
import type { Job } from "./every-fault-thread.ts";

// What the thread of an EveryFaultThread runs.
parentPort?.on("message", async ({ id, call }: Job) => {
  try {
    const value =
      call.name === "withFaults" ? await withFaults(...call.args) : await withEveryFault(...call.args);
    parentPort?.postMessage({ id, value });
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});
