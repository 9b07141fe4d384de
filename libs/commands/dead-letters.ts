import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { headers } from "@nats-io/transport-node";

/** A command that nobody waited for, and that did not succeed. */
export interface DeadLetter {
  processor: string;
  /** Its place in the processor's log, by which it is known here too. */
  sequence: number;
  command: string;
  method: string;
  form?: string;
  /** The protobuf request, as it was. */
  data: Uint8Array;
  outcome: "failed" | "unknown";
  grpcStatus: number;
  /** The last line of what was said of it. */
  text: string;
  /** Unix ms. */
  atMs: number;
}

/** No processor's log can have this name: theirs begin with `KATO_`. */
const stream = "KATO-DEAD-LETTERS";
const subjectOf = (processor: string, sequence: number | "*") => `kato.${processor}.dead-letters.${sequence}`;

const letterHeaders = {
  command: "Kato-Command",
  method: "Kato-Method",
  form: "Kato-Form",
  outcome: "Kato-Outcome",
  grpcStatus: "Kato-Grpc-Status",
  text: "Kato-Detail",
  at: "Kato-Time",
} as const;

/**
 * What failed, of all processors: one stream, with a subject for each command, of which it keeps the latest
 * message. So a command that is reported again after a crash stands in it once.
 */
export class DeadLetters {
  readonly #streams: JetStreamClient;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#streams = jetstream(connection);
    this.#manager = manager;
  }

  /** Creates the stream where it does not exist. */
  static async open(connection: NatsConnection, replicas: number): Promise<DeadLetters> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    try {
      await manager.streams.info(stream);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound)
        throw error;
      await manager.streams.add({
        name: stream,
        subjects: [subjectOf("*", "*")],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        max_msgs_per_subject: 1,
        num_replicas: replicas,
      });
    }
    return new DeadLetters(connection, manager);
  }

  /** Resolves once JetStream has it. */
  async put(letter: DeadLetter): Promise<void> {
    const all = headers();
    all.set(letterHeaders.command, letter.command);
    all.set(letterHeaders.method, letter.method);
    if (letter.form !== undefined) all.set(letterHeaders.form, letter.form);
    all.set(letterHeaders.outcome, letter.outcome);
    all.set(letterHeaders.grpcStatus, String(letter.grpcStatus));
    all.set(letterHeaders.text, letter.text.replace(/\s+/g, " "));
    all.set(letterHeaders.at, String(letter.atMs));
    await this.#streams.publish(subjectOf(letter.processor, letter.sequence), letter.data, { headers: all });
  }

  /**
   * The first letters of a processor whose sequence is `from` or later, in the order in which they failed.
   */
  async list(processor: string, from: number, limit: number): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    const consumer = await this.#streams.consumers.get(stream, {
      filter_subjects: subjectOf(processor, "*"),
    });
    if ((await consumer.info()).num_pending === 0) return letters;
    const messages = await consumer.consume({ max_messages: 100 });
    try {
      for await (const message of messages) {
        const letter = letterOf(message);
        if (letter.sequence >= from) letters.push(letter);
        if (letters.length === limit || message.info.pending === 0) break;
      }
    } finally {
      messages.stop();
    }
    return letters;
  }

  async find(processor: string, sequence: number): Promise<DeadLetter | undefined> {
    const query = { last_by_subj: subjectOf(processor, sequence) };
    const message = await this.#manager.streams.getMessage(stream, query);
    return message
      ? letterOf({ subject: message.subject, data: message.data, headers: message.header })
      : undefined;
  }

  /** Takes one out; nothing where there is none. */
  async remove(processor: string, sequence: number): Promise<void> {
    await this.#manager.streams.purge(stream, { filter: subjectOf(processor, sequence) });
  }
}

function letterOf(message: { subject: string; data: Uint8Array; headers?: MsgHdrs | undefined }): DeadLetter {
  const [, processor = "", , sequence] = message.subject.split(".");
  const header = (name: string) => message.headers?.get(name) ?? "";
  const form = header(letterHeaders.form);
  return {
    processor,
    sequence: Number(sequence),
    command: header(letterHeaders.command),
    method: header(letterHeaders.method),
    ...(form !== "" && { form }),
    data: message.data,
    outcome: header(letterHeaders.outcome) === "failed" ? "failed" : "unknown",
    grpcStatus: Number(header(letterHeaders.grpcStatus)),
    text: header(letterHeaders.text),
    atMs: Number(header(letterHeaders.at)),
  };
}
