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

/** After how long without a command an ingestion leaves the checkpoint. */
const idleMs = 5_000;
const maxInCheckpoint = 32;
const maxBases = 1_000;

/**
 * Counts, for each ingestion, what became of its commands.
 *
 * The counts are in the checkpoint. They change together with `applied`, in one write, so they are right
 * whatever crashes. An ingestion that has had no commands for a while is archived: its counts are first
 * written to its own entry, then removed from the checkpoint. Both have totals, and the one that has counted
 * more is right. So it does no harm that both are there for a while.
 */
export class IngestionCounter {
  readonly #processor: string;
  readonly #checkpoint: CheckpointWriter;
  readonly #records: IngestionCounterOptions["records"];
  /** The totals of ingestions that are not in the checkpoint. Counting goes on from them. */
  readonly #bases = new Map<string, IngestionCounts>();
  /** For each ingestion: `through` when it was last looked at, and since when that has not changed. */
  readonly #seen = new Map<string, { through: number; since: number }>();

  constructor({ processor, checkpoint, records }: IngestionCounterOptions) {
    this.#processor = processor;
    this.#checkpoint = checkpoint;
    this.#records = records;
  }

  /**
   * Loads the earlier counts of the command's ingestion. It has to be awaited before the command is
   * concluded.
   */
  prepare({ ingestion }: Pick<StoredCommand, "ingestion">): Promise<void> | undefined {
    if (ingestion === undefined || this.#counted[ingestion] || this.#bases.has(ingestion)) return undefined;
    return this.#load(ingestion);
  }

  /** Counts a command. It has to be called at the same moment at which the checkpoint passes the command. */
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

  /** Whether there are ingestions in the checkpoint. */
  get isCounting(): boolean {
    for (const _ in this.#counted) return true;
    return false;
  }

  /** Archives the ingestions that are idle, and the oldest ones if there are too many. */
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
    const counts = (await this.#records.counts(this.#processor, ingestion)) ?? noCounts;
    // What is not applied is not counted. A log that has lost commands may give their sequences to others.
    const through = Math.min(counts.through, this.#checkpoint.current.applied);
    this.#keep(ingestion, { ...counts, through });
  }

  async #archiveOne(ingestion: string): Promise<void> {
    const counts = this.#counted[ingestion];
    if (!counts) return;
    await this.#checkpoint.flush();
    await this.#records.putCounts(this.#processor, ingestion, counts);
    if (this.#counted[ingestion] !== counts) return;
    const { [ingestion]: _, ...others } = this.#counted;
    // Its next command may be prepared already, so its totals stay in memory.
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
