import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { CheckpointBook } from "../checkpoint/checkpoint.ts";
import { neededFrom } from "../checkpoint/effects.ts";
import type { History } from "./trim.ts";
import { trimmedBelow } from "./trim.ts";

/**
 * Takes out of one processor's log what nobody needs any more.
 *
 * Invariant: between looking at the persisted checkpoint and purging, nothing can take the processor back in its log: both are
 * done in the instance's turn (A5).
 */
export class Trimmer {
  readonly #processor: string;
  readonly #logs: Pick<CommandLogs, "fill" | "firstSince" | "trim">;
  readonly #turn: (task: () => Promise<void>) => Promise<void>;
  #trimmedBelow = 1;
  #isTrimming = false;
  /** Up to where was applied when the log was last found to have no limit; 0 where it was not. */
  #unlimitedAt = 0;
  /** The first command that is young enough, and until when it is. */
  #young = { first: 0, untilMs: 0 };

  constructor(
    processor: string,
    logs: Pick<CommandLogs, "fill" | "firstSince" | "trim">,
    turn: (task: () => Promise<void>) => Promise<void>,
  ) {
    this.#processor = processor;
    this.#logs = logs;
    this.#turn = turn;
  }

  /** Trims, unless that is under way already. */
  async trim(book: CheckpointBook, { commands, ageMs }: History): Promise<void> {
    if (this.#isTrimming || neededFrom(book.persisted) <= this.#trimmedBelow) return;
    this.#isTrimming = true;
    try {
      if (ageMs > 0) await this.#findYoung(book, ageMs);
      // What was applied must not keep out what is to be.
      const kept = (await this.#isFilling(book.persisted.applied)) ? 0 : commands;
      const below = () => trimmedBelow(book.persisted, kept, this.#young.first);
      if (below() <= this.#trimmedBelow) return;
      await this.#turn(async () => {
        const sequence = below();
        await this.#logs.trim(this.#processor, sequence);
        this.#trimmedBelow = sequence;
      });
    } finally {
      this.#isTrimming = false;
    }
  }

  /** Whether the log fills up. One without a limit is asked again only when something was applied: most of many are idle. */
  async #isFilling(applied: number): Promise<boolean> {
    if (applied === this.#unlimitedAt) return false;
    const fill = await this.#logs.fill(this.#processor);
    this.#unlimitedAt = fill === undefined ? applied : 0;
    return fill !== undefined && fill > 0.5;
  }

  async #findYoung(book: CheckpointBook, ageMs: number): Promise<void> {
    if (Date.now() < this.#young.untilMs) return;
    const found = await this.#logs.firstSince(this.#processor, Date.now() - ageMs);
    this.#young = found
      ? { first: found.sequence, untilMs: found.storedAtMs + ageMs }
      : { first: book.persisted.applied + 1, untilMs: 0 };
  }
}
