import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { LateCallReport } from "../model/late-calls.ts";

const retryMs = 1_000;
const attempts = 120;

/**
 * Where workers that have lost a lease tell the processor's next owner which of their calls were late: a
 * bucket with a report of each processor and worker. A report stays until an owner has read it, which may be
 * the same worker, or nobody yet.
 */
export class LateCallBoard {
  readonly #bucket: KV;
  readonly #reports = new Map<string, LateCallReport>();
  #onReport: (report: LateCallReport) => void = () => {};

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** Knows every report that stands in the bucket, and every later one. */
  static async open(bucket: KV, log: Pick<Logger, "warn">): Promise<LateCallBoard> {
    const board = new LateCallBoard(bucket);
    const changes = await bucket.watch();
    void (async () => {
      for await (const change of changes) {
        if (change.operation === "PUT") board.#take(change.json<LateCallReport>());
        else board.#reports.delete(change.key);
      }
    })().catch((error) => log.warn({ err: error }, "reports of late calls are not seen any more"));
    return board;
  }

  /** Calls `onReport` for each report from now on. */
  listen(onReport: (report: LateCallReport) => void): void {
    this.#onReport = onReport;
  }

  /** The reports that stand for this processor. */
  reportsOf(processor: string): LateCallReport[] {
    return [...this.#reports.values()].filter((report) => report.processor === processor);
  }

  /**
   * Adds to what this worker has told of the processor. Resolves once NATS has it, which is tried for as long
   * as it is of use. This worker itself knows it at once.
   */
  async tell(report: LateCallReport): Promise<void> {
    const key = keyOf(report);
    const calls = [...(this.#reports.get(key)?.calls ?? []), ...report.calls];
    const all = { ...report, calls };
    this.#reports.set(key, all);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#bucket.put(key, JSON.stringify(all));
        return;
      } catch (error) {
        if (attempt === attempts) throw error;
        await sleep(retryMs);
      }
    }
  }

  /** The report was read, and what had to be done is done. */
  async remove(report: LateCallReport): Promise<void> {
    const key = keyOf(report);
    this.#reports.delete(key);
    await this.#bucket.delete(key);
  }

  #take(report: LateCallReport): void {
    this.#reports.set(keyOf(report), report);
    this.#onReport(report);
  }
}

/** A worker's name may have characters that a key cannot have. */
function keyOf({ processor, worker }: LateCallReport): string {
  return `${processor}.${Buffer.from(worker).toString("base64url")}`;
}
