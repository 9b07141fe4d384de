import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import { isConflict } from "../../nats/errors.ts";
import type { Outcome } from "../messages/reply.ts";

/**
 * What the gateway keeps about an ingestion: how far the stream of observations was stored. An ingestion is
 * one `POST /{id}/observations`, which may be sent several times under one Idempotency-Key.
 */
export interface IngestionRecord {
  /** Its id. */
  ingestion: string;
  processor: string;
  /**
   * - `accepting`: a gateway is storing it, or has died while it did.
   * - `complete`: all of it is stored.
   * - `stopped`: it ended at a line that was refused.
   * - `interrupted`: it ended because the client or NATS went away.
   *
   * Unless it is complete, sending it again under its key goes on where it ended.
   */
  state: "accepting" | "complete" | "stopped" | "interrupted";
  /** The id of the HTTP request that is storing it. */
  intake: string;
  /** The last sequence of the log when it began: all of its commands are later. */
  after: number;
  /** The number of the last line that is known to be stored. */
  line: number;
  /** How many observations are stored, up to that line. */
  accepted: number;
  /** The sequences of its first and its last observation, and of the Learn after them. */
  first_sequence: number | null;
  last_sequence: number | null;
  learn_sequence: number | null;
  /** How many lines were read, with the blank ones and the refused ones. */
  lines: number;
  /** The first lines that were refused, and why. */
  rejected: { line: number; detail: string }[];
  /** How many lines were refused. It can be more than `rejected` has. */
  rejected_count: number;
  /** ISO 8601. */
  created_at: string;
  /** Who has sent it first, as in a command. Older versions do not write it. */
  sender?: string;
}

/** How many observations of an ingestion ended in which way, as the worker counts them. */
export interface IngestionCounts {
  applied: number;
  failed: number;
  /** They were begun, and nobody can say how they ended (A7). */
  unknown: number;
  /** How the Learn after them ended. */
  learn?: Outcome;
  /**
   * The sequence up to which commands are counted. Of two counts, the one that has counted more is right: a log
   * that has lost commands goes on with lower sequences.
   */
  through: number;
}

/** How many commands have been counted. */
function countedBy({ applied, failed, unknown, learn }: IngestionCounts): number {
  return applied + failed + unknown + (learn === undefined ? 0 : 1);
}

/** The counts of an ingestion of which no command has ended. */
export const noCounts: IngestionCounts = { applied: 0, failed: 0, unknown: 0, through: 0 };

/** Records and counts are kept for 7 days after they were last written. */
export const ingestionsKeptMs = 7 * 24 * 3_600_000;

/** Other ids would not be valid in a key of the bucket. */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** The id of the ingestion under an Idempotency-Key: the same each time that it is sent to this processor. */
export function ingestionOfKey(processor: string, key: string): string {
  return createHash("sha256").update(`${processor}\n${key}`).digest("base64url").slice(0, 22);
}

/** The bucket of ingestions: a record for each, which a gateway writes, and counts, which a worker writes. */
export class IngestionStore {
  readonly #bucket: KV;

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** How many records and counts there are. */
  async count(): Promise<number> {
    return (await this.#bucket.status()).values;
  }

  /** The record and its revision; undefined if there is none. */
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
   * Writes a record if the present one still has this revision; 0 means that there is none. Resolves to the
   * new revision, or to undefined if somebody else has written it. Rejects if NATS does not answer.
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

  /**
   * The counts that a worker has put here; undefined if there are none. While an ingestion is active they are
   * in the checkpoint.
   */
  async counts(processor: string, ingestion: string): Promise<IngestionCounts | undefined> {
    const entry = await this.#bucket.get(`${processor}.${ingestion}.counts`);
    return entry?.operation === "PUT" ? entry.json<IngestionCounts>() : undefined;
  }

  /** Writes counts, unless there are some that have counted as many commands or more. */
  async putCounts(processor: string, ingestion: string, counts: IngestionCounts): Promise<void> {
    const key = `${processor}.${ingestion}.counts`;
    const entry = await this.#bucket.get(key);
    if (entry?.operation === "PUT" && countedBy(entry.json<IngestionCounts>()) >= countedBy(counts)) return;
    const text = JSON.stringify(counts);
    if (entry) await this.#bucket.update(key, text, entry.revision);
    else await this.#bucket.create(key, text);
  }
}
