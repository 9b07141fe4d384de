import { Worker } from "node:worker_threads";
import type { withEveryFault, withFaultAnywhere, withFaults } from "./every-fault.ts";

export type Call =
  | { name: "withFaults"; args: Parameters<typeof withFaults> }
  | { name: "withFaultAnywhere"; args: Parameters<typeof withFaultAnywhere> }
  | { name: "withEveryFault"; args: Parameters<typeof withEveryFault> };

/** A call for the thread. The answer has the same id. */
export interface Job {
  id: number;
  call: Call;
}

/**
 * Makes the calls of `every-fault.ts` in a thread of its own. The test runner follows every promise of its
 * own thread, and that would take longer than the work itself.
 */
export class EveryFaultThread {
  readonly #thread = new Worker(new URL("./every-fault-entry.ts", import.meta.url));
  readonly #pending = new Map<number, PromiseWithResolvers<number | undefined>>();
  #ids = 0;

  constructor() {
    this.#thread.on("message", ({ id, value, error }) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error) pending?.reject(error);
      else pending?.resolve(value);
    });
  }

  async withFaults(...args: Parameters<typeof withFaults>): Promise<number> {
    return (await this.#call({ name: "withFaults", args })) ?? 0;
  }

  async withFaultAnywhere(...args: Parameters<typeof withFaultAnywhere>): Promise<number> {
    return (await this.#call({ name: "withFaultAnywhere", args })) ?? 0;
  }

  async withEveryFault(...args: Parameters<typeof withEveryFault>): Promise<void> {
    await this.#call({ name: "withEveryFault", args });
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }

  #call(call: Call): Promise<number | undefined> {
    const pending = Promise.withResolvers<number | undefined>();
    const job: Job = { id: ++this.#ids, call };
    this.#pending.set(job.id, pending);
    this.#thread.postMessage(job);
    return pending.promise;
  }
}
