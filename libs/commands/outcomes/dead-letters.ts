import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { isStreamNotFound } from "../../nats/errors.ts";
import { forEachConcurrently } from "../../nats/for-each-concurrently.ts";

/** A command that did not succeed and whose outcome nobody waited for. */
export interface DeadLetter {
  processor: string;
  /** Its place in the processor's log. With the processor it identifies the dead letter. */
  sequence: number;
  /** The command's id. */
  command: string;
  method: string;
  /** As in the command. */
  form?: string;
  /** The protobuf request. */
  data: Uint8Array;
  outcome: "failed" | "unknown";
  grpcStatus: number;
  /** The last line of the error. */
  text: string;
  /** Unix ms of the outcome. */
  atMs: number;
}

/** Processors' logs begin with `KATO_`, so none of them can have this name. */
export const deadLetterStream = "KATO-DEAD-LETTERS";
/** How many dead letters of one processor are kept. The newest stay. */
export const deadLettersKept = 10_000;
const trimEvery = 100;

/** The subject of one dead letter of a processor, or of all. */
export const deadLetterSubject = (processor: string, sequence: number | "*") =>
  `kato.${processor}.dead-letters.${sequence}`;

const headerNames = {
  command: "Kato-Command",
  method: "Kato-Method",
  form: "Kato-Form",
  outcome: "Kato-Outcome",
  grpcStatus: "Kato-Grpc-Status",
  text: "Kato-Detail",
  at: "Kato-Time",
} as const;

/**
 * The dead letters of all processors, in one JetStream stream. The stream has a subject for each command and
 * keeps the latest message of each subject. So a dead letter that is put again after a crash is there once.
 */
export class DeadLetters {
  readonly #streams: JetStreamClient;
  readonly #manager: JetStreamManager;
  /** How many were put of each processor since its letters were last trimmed. */
  readonly #puts = new Map<string, number>();

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#streams = jetstream(connection);
    this.#manager = manager;
  }

  /** Creates the stream if it does not exist. */
  static async open(connection: NatsConnection, replicas: number): Promise<DeadLetters> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    try {
      await manager.streams.info(deadLetterStream);
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
      await manager.streams.add({
        name: deadLetterStream,
        subjects: [deadLetterSubject("*", "*")],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        max_msgs_per_subject: 1,
        num_replicas: replicas,
      });
    }
    return new DeadLetters(connection, manager);
  }

  /**
   * Limits what all dead letters take together. Beyond it the oldest are removed. A limit that is set already
   * stays. Rejects if NATS does not allow it, or does not have that much room to put aside.
   */
  async limit(maxBytes: number): Promise<void> {
    const { config, state } = await this.#manager.streams.info(deadLetterStream);
    if (config.max_bytes > 0) return;
    // What is there when the limit is set for the first time is not removed.
    await this.#manager.streams.update(deadLetterStream, {
      max_bytes: Math.ceil(Math.max(maxBytes, state.bytes)),
    });
  }

  /**
   * Stores a dead letter. Resolves once JetStream has acknowledged it, to the number of older ones that were
   * dropped because there are too many.
   */
  async put(deadLetter: DeadLetter): Promise<number> {
    const all = headers();
    all.set(headerNames.command, deadLetter.command);
    all.set(headerNames.method, deadLetter.method);
    if (deadLetter.form !== undefined) all.set(headerNames.form, deadLetter.form);
    all.set(headerNames.outcome, deadLetter.outcome);
    all.set(headerNames.grpcStatus, String(deadLetter.grpcStatus));
    all.set(headerNames.text, deadLetter.text.replace(/\s+/g, " "));
    all.set(headerNames.at, String(deadLetter.atMs));
    await this.#streams.publish(
      deadLetterSubject(deadLetter.processor, deadLetter.sequence),
      deadLetter.data,
      {
        headers: all,
      },
    );
    // To count them each time would cost as much as storing one.
    const { processor } = deadLetter;
    const puts = (this.#puts.get(processor) ?? 0) + 1;
    this.#puts.set(processor, puts % trimEvery);
    return puts === trimEvery ? this.trim(processor).catch(() => 0) : 0;
  }

  /**
   * Up to `limit` dead letters of a processor whose sequence is `from` or later, in the order of their
   * sequences. The stream's index of subjects says which there are, so no others are read.
   */
  async list(processor: string, from: number, limit: number): Promise<DeadLetter[]> {
    const { state } = await this.#manager.streams.info(deadLetterStream, {
      subjects_filter: deadLetterSubject(processor, "*"),
    });
    const wanted = Object.keys(state.subjects ?? {})
      .map((subject) => Number(subject.slice(subject.lastIndexOf(".") + 1)))
      .filter((sequence) => sequence >= from)
      .sort((one, other) => one - other)
      .slice(0, limit);
    const found = new Map<number, DeadLetter>();
    await forEachConcurrently(wanted, async (sequence) => {
      const deadLetter = await this.find(processor, sequence);
      // It may have been removed meanwhile.
      if (deadLetter) found.set(sequence, deadLetter);
    });
    return wanted.flatMap((sequence) => found.get(sequence) ?? []);
  }

  /**
   * Drops the oldest dead letters of a processor, so that no more than `deadLettersKept` are left. Resolves to
   * the number of those that were dropped.
   */
  async trim(processor: string, kept = deadLettersKept): Promise<number> {
    const { purged } = await this.#manager.streams.purge(deadLetterStream, {
      filter: deadLetterSubject(processor, "*"),
      keep: kept,
    });
    return purged;
  }

  /** Undefined if there is none. */
  async find(processor: string, sequence: number): Promise<DeadLetter | undefined> {
    const query = { last_by_subj: deadLetterSubject(processor, sequence) };
    const message = await this.#manager.streams.getMessage(deadLetterStream, query);
    return message
      ? deadLetterOf({ subject: message.subject, data: message.data, headers: message.header })
      : undefined;
  }

  /** Removes all dead letters of a processor. */
  async removeAll(processor: string): Promise<void> {
    await this.#manager.streams.purge(deadLetterStream, { filter: deadLetterSubject(processor, "*") });
  }

  /** Removes a dead letter. If there is none, nothing happens. */
  async remove(processor: string, sequence: number): Promise<void> {
    await this.#manager.streams.purge(deadLetterStream, { filter: deadLetterSubject(processor, sequence) });
  }
}

function deadLetterOf(message: {
  subject: string;
  data: Uint8Array;
  headers?: MsgHdrs | undefined;
}): DeadLetter {
  const [, processor = "", , sequence] = message.subject.split(".");
  const header = (name: string) => message.headers?.get(name) ?? "";
  const form = header(headerNames.form);
  return {
    processor,
    sequence: Number(sequence),
    command: header(headerNames.command),
    method: header(headerNames.method),
    ...(form !== "" && { form }),
    data: message.data,
    outcome: header(headerNames.outcome) === "failed" ? "failed" : "unknown",
    grpcStatus: Number(header(headerNames.grpcStatus)),
    text: header(headerNames.text),
    atMs: Number(header(headerNames.at)),
  };
}
