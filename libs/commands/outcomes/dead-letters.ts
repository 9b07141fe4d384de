import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";
import { isStreamNotFound } from "../../nats/errors.ts";
import { storedMessages } from "../../nats/stored-messages.ts";

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
const streamName = deadLetterStream;
const fetchedAtOnce = 100;
const subjectOf = (processor: string, sequence: number | "*") => `kato.${processor}.dead-letters.${sequence}`;

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

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#streams = jetstream(connection);
    this.#manager = manager;
  }

  /** Creates the stream if it does not exist. */
  static async open(connection: NatsConnection, replicas: number): Promise<DeadLetters> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    try {
      await manager.streams.info(streamName);
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
      await manager.streams.add({
        name: streamName,
        subjects: [subjectOf("*", "*")],
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
    const { config, state } = await this.#manager.streams.info(streamName);
    if (config.max_bytes > 0) return;
    // What is there when the limit is set for the first time is not removed.
    await this.#manager.streams.update(streamName, { max_bytes: Math.ceil(Math.max(maxBytes, state.bytes)) });
  }

  /** Stores a dead letter. Resolves once JetStream has acknowledged it. */
  async put(deadLetter: DeadLetter): Promise<void> {
    const all = headers();
    all.set(headerNames.command, deadLetter.command);
    all.set(headerNames.method, deadLetter.method);
    if (deadLetter.form !== undefined) all.set(headerNames.form, deadLetter.form);
    all.set(headerNames.outcome, deadLetter.outcome);
    all.set(headerNames.grpcStatus, String(deadLetter.grpcStatus));
    all.set(headerNames.text, deadLetter.text.replace(/\s+/g, " "));
    all.set(headerNames.at, String(deadLetter.atMs));
    await this.#streams.publish(subjectOf(deadLetter.processor, deadLetter.sequence), deadLetter.data, {
      headers: all,
    });
  }

  /**
   * Up to `limit` dead letters of a processor whose sequence is `from` or later, in the order in which they
   * were put.
   */
  async list(processor: string, from: number, limit: number): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    const consumer = await this.#streams.consumers.get(streamName, {
      filter_subjects: subjectOf(processor, "*"),
    });
    for await (const message of storedMessages(consumer, fetchedAtOnce)) {
      const deadLetter = deadLetterOf(message);
      if (deadLetter.sequence >= from) deadLetters.push(deadLetter);
      if (deadLetters.length === limit) break;
    }
    return deadLetters;
  }

  /** Undefined if there is none. */
  async find(processor: string, sequence: number): Promise<DeadLetter | undefined> {
    const query = { last_by_subj: subjectOf(processor, sequence) };
    const message = await this.#manager.streams.getMessage(streamName, query);
    return message
      ? deadLetterOf({ subject: message.subject, data: message.data, headers: message.header })
      : undefined;
  }

  /** Removes all dead letters of a processor. */
  async removeAll(processor: string): Promise<void> {
    await this.#manager.streams.purge(streamName, { filter: subjectOf(processor, "*") });
  }

  /** Removes a dead letter. If there is none, nothing happens. */
  async remove(processor: string, sequence: number): Promise<void> {
    await this.#manager.streams.purge(streamName, { filter: subjectOf(processor, sequence) });
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
