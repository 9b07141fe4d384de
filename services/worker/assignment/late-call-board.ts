import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { LateCallReport } from "../model/late-calls.ts";

const retryMs = 1_000;
const attempts = 120;

/**
 * A bucket of reports. With a report a worker that has lost a lease tells the next owner of the processor
 * which of its calls were late. There is one report for each processor and worker. It stays until an owner of
 * the processor has read it. That owner may be the same worker.
 */
export class LateCallBoard {
  readonly #bucket: KV;
  readonly #reports = new Map<string, LateCallReport>();
  readonly #log: Pick<Logger, "warn">;
  #onReport: (report: LateCallReport) => void = () => {};
  /** When the bucket was created that is watched. */
  #watched = "";
  #stopWatch: () => void = () => {};

  private constructor(bucket: KV, log: Pick<Logger, "warn">) {
    this.#bucket = bucket;
    this.#log = log;
  }

  /** Opens the board. From then on it knows the reports in the bucket, and every later one. */
  static async open(bucket: KV, log: Pick<Logger, "warn">): Promise<LateCallBoard> {
    const board = new LateCallBoard(bucket, log);
    await board.refresh();
    return board;
  }

  /** Watches the bucket, if it was made anew since it was watched. Rejects if NATS does not answer. */
  async refresh(): Promise<void> {
    const { created } = (await this.#bucket.status()).streamInfo;
    if (created === this.#watched) return;
    this.#stopWatch();
    const changes = await this.#bucket.watch();
    this.#watched = created;
    this.#stopWatch = () => changes.stop();
    void (async () => {
      for await (const change of changes) {
        if (change.operation === "PUT") this.#take(change.json<LateCallReport>());
        else this.#reports.delete(change.key);
      }
    })().catch((error) => this.#log.warn({ err: error }, "reports of late calls are not seen any more"));
  }

  /** Calls `onReport` for each report from now on. */
  listen(onReport: (report: LateCallReport) => void): void {
    this.#onReport = onReport;
  }

  /** The reports about this processor that nobody has removed yet. */
  reportsOf(processor: string): LateCallReport[] {
    return [...this.#reports.values()].filter((report) => report.processor === processor);
  }

  /**
   * Adds calls to this worker's report about the processor. Resolves once NATS has the report. Rejects if
   * that has failed 120 times, with a second between the tries. This worker itself knows the report at once.
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

  /** Removes a report. To be called once it was read, and what the late calls have done is mended. */
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
