import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import { neededFrom } from "../checkpoint/transitions.ts";
import type { HistoryLimit } from "./retention-limit.ts";
import { trimmedBelow } from "./retention-limit.ts";

/**
 * Removes from one processor's log what nobody needs any more.
 *
 * Invariant: nothing can take the processor back in its log between reading the persisted checkpoint and
 * purging, because both are done in the supervisor's mutex (A5).
 */
export class Retention {
  readonly #processor: string;
  readonly #logs: Pick<CommandLogs, "fill" | "firstSince" | "trim">;
  readonly #exclusively: (task: () => Promise<void>) => Promise<void>;
  readonly #storeMs: () => number;
  #trimmedBelow = 1;
  #isTrimming = false;
  /** The value of `applied` when the log was last found to have no limit; 0 if it has one. */
  #unlimitedAt = 0;
  /** The first command that is young enough to be kept, and until when it is (Unix ms). */
  #young = { first: 0, untilMs: 0 };

  constructor(
    processor: string,
    logs: Pick<CommandLogs, "fill" | "firstSince" | "trim">,
    /** Runs a task while nothing else has the instance. */
    exclusively: (task: () => Promise<void>) => Promise<void>,
    /** The time by JetStream's clock. */
    storeMs: () => number,
  ) {
    this.#storeMs = storeMs;
    this.#processor = processor;
    this.#logs = logs;
    this.#exclusively = exclusively;
  }

  /** Trims the log, unless that is under way already. */
  async trim(checkpoint: CheckpointWriter, { commands, ageMs }: HistoryLimit): Promise<void> {
    if (this.#isTrimming || neededFrom(checkpoint.persisted) <= this.#trimmedBelow) return;
    this.#isTrimming = true;
    try {
      if (ageMs > 0) await this.#findYoung(checkpoint, ageMs);
      // In a log that fills up, the history must not take the room of new commands.
      const kept = (await this.#isFilling(checkpoint.persisted.applied)) ? 0 : commands;
      const below = () => trimmedBelow(checkpoint.persisted, kept, this.#young.first);
      if (below() <= this.#trimmedBelow) return;
      await this.#exclusively(async () => {
        const sequence = below();
        await this.#logs.trim(this.#processor, sequence);
        this.#trimmedBelow = sequence;
      });
    } finally {
      this.#isTrimming = false;
    }
  }

  /**
   * Whether the log fills up. A log without a limit is asked again only when more was applied. That spares
   * the many processors that are idle.
   */
  async #isFilling(applied: number): Promise<boolean> {
    if (applied === this.#unlimitedAt) return false;
    const fill = await this.#logs.fill(this.#processor);
    this.#unlimitedAt = fill === undefined ? applied : 0;
    return fill !== undefined && fill > 0.5;
  }

  async #findYoung(checkpoint: CheckpointWriter, ageMs: number): Promise<void> {
    const nowMs = this.#storeMs();
    if (nowMs < this.#young.untilMs) return;
    const found = await this.#logs.firstSince(this.#processor, nowMs - ageMs);
    this.#young = found
      ? { first: found.sequence, untilMs: found.storedAtMs + ageMs }
      : { first: checkpoint.persisted.applied + 1, untilMs: 0 };
  }
}
