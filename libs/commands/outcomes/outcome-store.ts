import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { openBucket } from "../../nats/buckets.ts";
import { isConflict } from "../../nats/errors.ts";
import type { Command, KeyUse } from "../messages/command.ts";
import type { Outcome, Reply } from "../messages/reply.ts";

/** What is kept about one command, for 24 hours after it was written last. */
export interface CommandRecord {
  command: string;
  method: string;
  form?: string;
  /**
   * - `queued`: a gateway has stored the command, or is about to.
   * - `started`: the command has an Idempotency-Key, and the worker has begun it. It applies no other command
   *   of that key.
   * - otherwise: how the command ended.
   */
  state: "queued" | "started" | Outcome;
  /** Its place in the log; 0 if that is not known yet. */
  sequence: number;
  once?: KeyUse;
  /** Who has sent it: its principal, or its address where nobody is asked. Older versions do not write it. */
  sender?: string;
  /**
   * Unix ms. Until then the gateway that wrote `queued` without a sequence may still be storing the command.
   */
  heldUntilMs?: number;
  /** As `heldUntilMs`, but counted from when JetStream has stored the record. Older gateways do not write it. */
  heldMs?: number;
  /** The gateway that wrote `queued` without a sequence, and can be asked. Older gateways do not write it. */
  gateway?: string;
  /** Unix ms at which the record was written. */
  atMs: number;
  /** The reply, once the command has ended. */
  reply?: Reply;
}

/** A record that was read, with its revision for a compare-and-set. */
export interface FoundRecord {
  record: CommandRecord;
  revision: number;
  /** When JetStream has stored it, in Unix ms by its clock. */
  storedAtMs: number;
}

const newline = 0x0a;
/** Records are kept for 24 hours after they were last written. */
export const outcomesKeptMs = 24 * 3_600_000;
const safeId = /^[A-Za-z0-9_-]{1,64}$/;

/** The bucket of command records. Each is kept for 24 hours, under its processor and its command's id. */
export class OutcomeStore {
  readonly #bucket: KV;

  private constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  /** Opens the bucket, and creates it if it does not exist. */
  static async open(connection: NatsConnection, replicas: number): Promise<OutcomeStore> {
    return new OutcomeStore(await openBucket(connection, "outcomes", replicas, outcomesKeptMs));
  }

  /** How many records there are. */
  async count(): Promise<number> {
    return (await this.#bucket.status()).values;
  }

  /** The command's record; undefined if there is none. */
  async find(processor: string, command: string): Promise<FoundRecord | undefined> {
    const entry = await this.#bucket.get(keyOf(processor, command));
    if (entry?.operation !== "PUT") return undefined;
    return {
      record: decodeRecord(entry.value),
      revision: entry.revision,
      storedAtMs: entry.created.getTime(),
    };
  }

  /** Writes a command's first record. Resolves to false if there is one already. */
  create(processor: string, record: CommandRecord): Promise<boolean> {
    return isWritten(this.#bucket.create(keyOf(processor, record.command), encodeRecord(record)));
  }

  /** Replaces the record that has this revision. Resolves to false if it has been replaced since. */
  replace(processor: string, record: CommandRecord, revision: number): Promise<boolean> {
    return isWritten(this.#bucket.update(keyOf(processor, record.command), encodeRecord(record), revision));
  }

  /** Writes something, to see whether NATS takes it. Rejects as any write does. */
  async tryWriting(): Promise<void> {
    // No processor can have this id.
    await this.#bucket.put("ready.gateway", "");
  }

  /** Writes a record, whether there is one or not. */
  async put(processor: string, record: CommandRecord): Promise<void> {
    await this.#bucket.put(keyOf(processor, record.command), encodeRecord(record));
  }
}

/** Makes the record of a command in a state. Its time is that of the reply, or else now. */
export function recordOf(
  command: Command,
  state: CommandRecord["state"],
  sequence: number,
  more: Pick<CommandRecord, "reply" | "heldUntilMs" | "heldMs" | "gateway"> = {},
): CommandRecord {
  const { id, method, form, once, sender } = command;
  const atMs = more.reply?.atMs ?? Date.now();
  return {
    command: id,
    method,
    ...(form !== undefined && { form }),
    state,
    sequence,
    ...(once && { once }),
    ...(sender && { sender }),
    atMs,
    ...more,
  };
}

/** Other programs can write commands with any id into a log. An id that is not allowed in a key is hashed. */
function keyOf(processor: string, command: string): string {
  if (safeId.test(command)) return `${processor}.${command}`;
  return `${processor}.${createHash("sha256").update(command).digest("hex")}`;
}

/** The persisted form: the record as one line of JSON, then the bytes of the reply's data. */
function encodeRecord(record: CommandRecord): Uint8Array {
  const { reply } = record;
  const line = JSON.stringify(reply ? { ...record, reply: { ...reply, data: null } } : record);
  return Buffer.concat([Buffer.from(`${line}\n`), reply?.data ?? new Uint8Array()]);
}

function decodeRecord(bytes: Uint8Array): CommandRecord {
  const end = bytes.indexOf(newline);
  const record: CommandRecord = JSON.parse(Buffer.from(bytes.subarray(0, end)).toString());
  return record.reply ? { ...record, reply: { ...record.reply, data: bytes.subarray(end + 1) } } : record;
}

async function isWritten(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing;
    return true;
  } catch (error) {
    if (isConflict(error)) return false;
    throw error;
  }
}
