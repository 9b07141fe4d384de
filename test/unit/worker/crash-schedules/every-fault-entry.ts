import { parentPort } from "node:worker_threads";
import { withEveryFault, withFaultAnywhere, withFaults } from "./every-fault.ts";
import type { Call, Job } from "./every-fault-thread.ts";

// The code that the thread of an EveryFaultThread runs.
parentPort?.on("message", async ({ id, call }: Job) => {
  try {
    parentPort?.postMessage({ id, value: await make(call) });
  } catch (error) {
    parentPort?.postMessage({ id, error });
  }
});

async function make(call: Call): Promise<number | undefined> {
  if (call.name === "withFaults") return withFaults(...call.args);
  if (call.name === "withFaultAnywhere") return withFaultAnywhere(...call.args);
  await withEveryFault(...call.args);
  return undefined;
}
