import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { ProcessorState } from "../commands/messages/processor-state.ts";
import { reportEveryMs } from "../commands/messages/processor-state.ts";
import { stateSubject } from "../commands/messages/subjects.ts";
import { BackupError } from "./backup-error.ts";
import type { Moment } from "./manifest.ts";
import { resumedMeanwhile } from "./pause.ts";

/** A processor whose worker does not report for this long is run by nobody. */
const silenceMs = 3 * reportEveryMs;
const lookEveryMs = 10;
/** The longest that a command may take by default, and some more. */
const limitMs = 310_000;

/** Finds out from the workers' reports when a processor that was paused is between two commands. */
export class Moments {
  readonly #subscription: Subscription;
  readonly #reports = new Map<string, { report: ProcessorState; at: number }>();

  constructor(connection: NatsConnection) {
    this.#subscription = connection.subscribe(stateSubject("*"), {
      callback: (error, message) => {
        if (error) return;
        const report = message.json<ProcessorState>();
        this.#reports.set(report.processor, { report, at: performance.now() });
      },
    });
  }

  /**
   * Waits until a processor that was just paused has settled, or cannot settle, by a report that comes from now
   * on. Rejects if it is not paused any more, and if that takes longer than any command may.
   */
  async wait(processor: string, isPaused: () => boolean, stopping: AbortSignal): Promise<Moment> {
    const startedAt = performance.now();
    for (;;) {
      const { report, at } = this.#reports.get(processor) ?? { at: startedAt };
      const now = performance.now();
      if (report && at > startedAt) {
        if (report.settled) return "settled";
        if (report.state === "down" || report.state === "held") return report.state;
      }
      if (!isPaused()) throw resumedMeanwhile(processor);
      if (now - Math.max(at, startedAt) > silenceMs) return "unowned";
      if (now - startedAt > limitMs) {
        const seconds = Math.round(limitMs / 1_000);
        throw new BackupError(
          `${processor} has not come to rest within ${seconds} s: a command takes too long, ` +
            "or its worker is of a version without backups",
        );
      }
      await sleep(lookEveryMs, undefined, { signal: stopping });
    }
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}
