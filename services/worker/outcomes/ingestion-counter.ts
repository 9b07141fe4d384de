import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Outcome } from "../../../libs/commands/messages/reply.ts";
import type { IngestionCounts, IngestionStore } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { noCounts } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";

export interface IngestionCounterOptions {
  processor: string;
  checkpoint: CheckpointWriter;
  records: Pick<IngestionStore, "counts" | "putCounts">;
}

/** How long an ingestion stays in the checkpoint without a command of its own. */
const idleMs = 5_000;
const maxInCheckpoint = 32;
const maxBases = 1_000;

/**
 * Counts, for each ingestion, what became of its commands.
 *
 * The counts stand in the checkpoint and change with `applied`, in one write, so they are right whatever
 * crashes. An ingestion that has no commands for a while is archived: its counts go to its record first, then
 * leave the checkpoint. Both hold totals, and the one that goes further is right, so it does no harm that
 * both are there for a while.
 */
export class IngestionCounter {
  readonly #processor: string;
  readonly #checkpoint: CheckpointWriter;
  readonly #records: IngestionCounterOptions["records"];
  /** The totals of ingestions that are not in the checkpoint. Counting goes on from them. */
  readonly #bases = new Map<string, IngestionCounts>();
  /** Up to where an ingestion was counted when it was last looked at, and since when that has not changed. */
  readonly #seen = new Map<string, { through: number; since: number }>();

  constructor({ processor, checkpoint, records }: IngestionCounterOptions) {
    this.#processor = processor;
    this.#checkpoint = checkpoint;
    this.#records = records;
  }

  /**
   * Loads what was counted of the command's ingestion before. To be waited for before the command is
   * concluded.
   */
  prepare({ ingestion }: Pick<StoredCommand, "ingestion">): Promise<void> | undefined {
    if (ingestion === undefined || this.#counted[ingestion] || this.#bases.has(ingestion)) return undefined;
    return this.#load(ingestion);
  }

  /** Counts a command, in the same moment in which the checkpoint passes it. */
  count({ ingestion, method, sequence }: StoredCommand, outcome: Outcome): void {
    if (ingestion === undefined) return;
    const before = this.#counted[ingestion] ?? this.#bases.get(ingestion) ?? noCounts;
    if (sequence <= before.through) return;
    const counts =
      method === "Learn" ? { ...before, learn: outcome } : { ...before, ...plusOne(before, outcome) };
    this.#checkpoint.update({
      ingestions: { ...this.#counted, [ingestion]: { ...counts, through: sequence } },
    });
  }

  /** Archives what is idle, and the oldest where there are too many. */
  async archive(): Promise<void> {
    const now = performance.now();
    const entries = Object.entries(this.#counted).sort(([, a], [, b]) => a.through - b.through);
    for (const [index, [ingestion, { through }]] of entries.entries()) {
      const seen = this.#seen.get(ingestion);
      if (seen?.through !== through) this.#seen.set(ingestion, { through, since: now });
      const isIdle = seen?.through === through && now - seen.since >= idleMs;
      if (isIdle || entries.length - index > maxInCheckpoint) await this.#archiveOne(ingestion);
    }
  }

  get #counted(): Record<string, IngestionCounts> {
    return this.#checkpoint.current.ingestions;
  }

  async #load(ingestion: string): Promise<void> {
    this.#keep(ingestion, (await this.#records.counts(this.#processor, ingestion)) ?? noCounts);
  }

  async #archiveOne(ingestion: string): Promise<void> {
    const counts = this.#counted[ingestion];
    if (!counts) return;
    await this.#checkpoint.flush();
    await this.#records.putCounts(this.#processor, ingestion, counts);
    if (this.#counted[ingestion] !== counts) return;
    const { [ingestion]: _, ...others } = this.#counted;
    // The next command of it may be prepared already, so its totals are kept at hand.
    this.#keep(ingestion, counts);
    this.#seen.delete(ingestion);
    this.#checkpoint.update({ ingestions: others });
  }

  #keep(ingestion: string, counts: IngestionCounts): void {
    this.#bases.delete(ingestion);
    this.#bases.set(ingestion, counts);
    const [oldest] = this.#bases.keys();
    if (this.#bases.size > maxBases && oldest !== undefined) this.#bases.delete(oldest);
  }
}

function plusOne(counts: IngestionCounts, outcome: Outcome): Partial<IngestionCounts> {
  if (outcome === "applied") return { applied: counts.applied + 1 };
  if (outcome === "unknown") return { unknown: counts.unknown + 1 };
  return { failed: counts.failed + 1 };
}
