import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import { isConflict } from "../nats/is-conflict.ts";
import type { CommandLogs } from "./log.ts";
import type { Outcome } from "./reply.ts";

/** What the gateway keeps of an ingestion: how far its stream was stored. */
export interface IngestionRecord {
  ingestion: string;
  processor: string;
  /**
   * `accepting`: a gateway is taking it in, or has died of it. `complete`: all of it is stored. `stopped`: at
   * a line that was refused. `interrupted`: the client or NATS went away. Sent again under its key, all but a
   * complete one go on.
   */
  state: "accepting" | "complete" | "stopped" | "interrupted";
  /** Who takes it in: one sending of the request. */
  intake: string;
  /** The last sequence of the log before it: everything of it is later. */
  after: number;
  /** The last line known to be stored, and how many observations up to it are. */
  line: number;
  accepted: number;
  first_sequence: number | null;
  last_sequence: number | null;
  learn_sequence: number | null;
  /** Lines that were read, blank ones and refused ones too. */
  lines: number;
  rejected: { line: number; detail: string }[];
  /** How many were refused, where `rejected` does not name them all. */
  rejected_count: number;
  created_at: string;
}

/** What the applier counts of an ingestion. */
export interface IngestionCounts {
  applied: number;
  failed: number;
  /** Begun, and nobody can say what became of them (A7). */
  unknown: number;
  /** What became of its Learn. */
  learn?: Outcome;
  /** Up to which sequence is counted: of two counts the one that goes further is the right one. */
  through: number;
}

export const noCounts: IngestionCounts = { applied: 0, failed: 0, unknown: 0, through: 0 };

/** Records and counts are kept this long after they were last written. */
export const ingestionsKeptMs = 7 * 24 * 3_600_000;

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** The id of the ingestion that is sent to a processor under an Idempotency-Key: the same each time. */
export function ingestionOfKey(processor: string, key: string): string {
  return createHash("sha256").update(`${processor}\n${key}`).digest("base64url").slice(0, 22);
}

/** The id of the command that a line becomes. */
export function lineCommandId(ingestion: string, line: number | "learn"): string {
  return `${ingestion}.${line}`;
}

/** The records of the ingestions and their final counts, in their bucket. */
export class Ingestions {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** The record and its revision, or undefined. */
  async get(
    processor: string,
    ingestion: string,
  ): Promise<{ record: IngestionRecord; revision: number } | undefined> {
    if (!idPattern.test(ingestion)) return undefined;
    const entry = await this.#bucket.get(`${processor}.${ingestion}`);
    if (entry?.operation !== "PUT") return undefined;
    return { record: entry.json<IngestionRecord>(), revision: entry.revision };
  }

  /**
   * Writes the record if nobody has since that revision (0: since ever). Gives the new revision, or undefined
   * where somebody has; rejects where NATS does not answer.
   */
  async put(record: IngestionRecord, revision: number): Promise<number | undefined> {
    const key = `${record.processor}.${record.ingestion}`;
    try {
      const text = JSON.stringify(record);
      return revision === 0
        ? await this.#bucket.create(key, text)
        : await this.#bucket.update(key, text, revision);
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /** What was counted until the applier laid the ingestion aside, or undefined. */
  async counts(processor: string, ingestion: string): Promise<IngestionCounts | undefined> {
    const entry = await this.#bucket.get(`${processor}.${ingestion}.counts`);
    return entry?.operation === "PUT" ? entry.json<IngestionCounts>() : undefined;
  }

  /** Lays counts aside, unless some that go further were already. */
  async putCounts(processor: string, ingestion: string, counts: IngestionCounts): Promise<void> {
    const key = `${processor}.${ingestion}.counts`;
    const entry = await this.#bucket.get(key);
    if (entry?.operation === "PUT" && entry.json<IngestionCounts>().through >= counts.through) return;
    const text = JSON.stringify(counts);
    if (entry) await this.#bucket.update(key, text, entry.revision);
    else await this.#bucket.create(key, text);
  }
}

/** A command of an ingestion as it stands in the log. */
export interface StoredLine {
  line: number | "learn";
  sequence: number;
  data: Uint8Array;
}

/**
 * The commands of an ingestion that stand in the log from `from` on, in order. It ends only when it has seen
 * the end of the log at that moment, however long whoever reads it takes.
 */
export async function* storedLines(
  logs: Pick<CommandLogs, "last" | "readRange">,
  { processor, ingestion }: Pick<IngestionRecord, "processor" | "ingestion">,
  from: number,
): AsyncGenerator<StoredLine> {
  let next = from;
  for (;;) {
    const last = await logs.last(processor);
    if (next > last) return;
    for await (const command of logs.readRange(processor, next, last)) {
      if (command.ingestion !== ingestion) continue;
      const line = command.id.slice(ingestion.length + 1);
      yield { line: line === "learn" ? line : Number(line), sequence: command.sequence, data: command.data };
    }
    next = last + 1;
  }
}
