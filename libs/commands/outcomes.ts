import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { openBucket } from "../nats/buckets.ts";
import { isConflict } from "../nats/is-conflict.ts";
import type { Command, Once } from "./command.ts";
import type { Outcome, Reply } from "./reply.ts";

/** What is kept of one command, for a day after it was written last. */
export interface CommandRecord {
  command: string;
  method: string;
  form?: string;
  /**
   * `queued`: a gateway has accepted it or is about to. `started`: it is under an Idempotency-Key, and the
   * worker applies no other of that key any more. The others are how it ended.
   */
  state: "queued" | "started" | Outcome;
  /** Its place in the log; 0 where that is not known yet. */
  sequence: number;
  once?: Once;
  /** Unix ms until which the gateway that wrote `queued` without a sequence may be at it. */
  heldUntilMs?: number;
  /** Unix ms of the writing. */
  atMs: number;
  /** How it ended, once it has. */
  reply?: Reply;
}

/** A record and its revision, for compare-and-set. */
export interface Found {
  record: CommandRecord;
  revision: number;
}

const keptMs = 24 * 3_600_000;
const safeId = /^[A-Za-z0-9_-]{1,64}$/;

/** What became of commands, by processor and command id: a bucket that forgets after 24 hours. */
export class Outcomes {
  readonly #bucket: KV;

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  static async open(connection: NatsConnection, replicas: number): Promise<Outcomes> {
    return new Outcomes(await openBucket(connection, "outcomes", replicas, keptMs));
  }

  async find(processor: string, command: string): Promise<Found | undefined> {
    const entry = await this.#bucket.get(keyOf(processor, command));
    if (entry?.operation !== "PUT") return undefined;
    return { record: decodeRecord(entry.value), revision: entry.revision };
  }

  /** Writes the command's first record; false when there is one already. */
  create(processor: string, record: CommandRecord): Promise<boolean> {
    return isWritten(this.#bucket.create(keyOf(processor, record.command), encodeRecord(record)));
  }

  /** Replaces the record of this revision; false when somebody else has replaced it. */
  replace(processor: string, record: CommandRecord, revision: number): Promise<boolean> {
    return isWritten(this.#bucket.update(keyOf(processor, record.command), encodeRecord(record), revision));
  }

  /** Writes the record, whatever stands there. */
  async put(processor: string, record: CommandRecord): Promise<void> {
    await this.#bucket.put(keyOf(processor, record.command), encodeRecord(record));
  }
}

/** The record of a command as it stands now. */
export function recordOf(
  command: Command,
  state: CommandRecord["state"],
  sequence: number,
  more: Pick<CommandRecord, "reply" | "heldUntilMs"> = {},
): CommandRecord {
  const { id, method, form, once } = command;
  const atMs = more.reply?.atMs ?? Date.now();
  return {
    command: id,
    method,
    ...(form !== undefined && { form }),
    state,
    sequence,
    ...(once && { once }),
    atMs,
    ...more,
  };
}

/** An id can be anything that a client of the log chose; a bucket's key cannot. */
function keyOf(processor: string, command: string): string {
  return `${processor}.${safeId.test(command) ? command : createHash("sha256").update(command).digest("hex")}`;
}

/** One line of JSON, then the response as it is. */
function encodeRecord(record: CommandRecord): Uint8Array {
  const { reply } = record;
  const line = JSON.stringify(reply ? { ...record, reply: { ...reply, data: null } } : record);
  return Buffer.concat([Buffer.from(`${line}\n`), reply?.data ?? new Uint8Array()]);
}

function decodeRecord(bytes: Uint8Array): CommandRecord {
  const end = bytes.indexOf(newline);
  const record = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString()) as CommandRecord;
  return record.reply ? { ...record, reply: { ...record.reply, data: bytes.subarray(end + 1) } } : record;
}

const newline = 10;

async function isWritten(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}
