import type { JetStreamClient, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import {
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Command, StoredCommand } from "./command.ts";
import { headersOfCommand } from "./command.ts";
import { LogReader } from "./log-reader.ts";
import { commandSubject, streamOf } from "./names.ts";
import { refusalOf, unanswered } from "./publish-errors.ts";

/** How much a log may hold. */
export interface LogLimits {
  replicas: number;
  /** Bytes of one processor's log; -1 for no limit but the server's. */
  maxBytes: number;
}

/** Where a command was stored. */
export interface Stored {
  sequence: number;
  /** Whether a command of this id stood in the log already. */
  duplicate: boolean;
}

const publishTimeoutMs = 2_000;
/** What is asked while a log has no leader is not answered; it soon has one again. */
const requestTimeoutMs = 2_000;
const publishAttempts = 3;
/** How often a range that is read is asked whether there is more of it. */
const rangeLookMs = 1_000;
/** A message id is remembered this long, longer than any retry of a publish takes. */
const duplicateWindowMs = 120_000;

/** The command logs: one JetStream stream per processor (docs/architecture.md, Commands). */
export class CommandLogs {
  readonly #connection: NatsConnection;
  readonly #streams: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #limits: LogLimits;

  private constructor(connection: NatsConnection, manager: JetStreamManager, limits: LogLimits) {
    this.#connection = connection;
    this.#streams = jetstream(connection, { timeout: requestTimeoutMs });
    this.#manager = manager;
    this.#limits = limits;
  }

  static async open(connection: NatsConnection, limits: LogLimits): Promise<CommandLogs> {
    return new CommandLogs(
      connection,
      await jetstreamManager(connection, { checkAPI: false, timeout: requestTimeoutMs }),
      limits,
    );
  }

  /** Creates the processor's log where it does not exist; one that exists stays as it is. */
  async ensure(processor: string): Promise<void> {
    try {
      await this.#manager.streams.info(streamOf(processor));
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
      await this.#manager.streams.add({
        name: streamOf(processor),
        subjects: [commandSubject(processor)],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.New,
        num_replicas: this.#limits.replicas,
        max_bytes: this.#limits.maxBytes,
        duplicate_window: duplicateWindowMs * 1_000_000,
      });
    }
  }

  /**
   * Stores a command and resolves once JetStream has acknowledged it (A6).
   *
   * A publish that got no answer is sent again under the same id, so it is stored once. Rejects with LOG_FULL
   * or TOO_LARGE, which have no effect, or NATS_UNAVAILABLE, whose effect is `none` when the log certainly
   * does not have it.
   */
  async append(command: Command): Promise<Stored> {
    let lastError: unknown;
    for (let attempt = 1; attempt <= publishAttempts; attempt++) {
      try {
        const ack = await this.#streams.publish(commandSubject(command.processor), command.data, {
          headers: headersOfCommand(command),
          timeout: publishTimeoutMs,
        });
        return { sequence: ack.seq, duplicate: ack.duplicate };
      } catch (error) {
        const refusal = refusalOf(error, command.processor);
        if (refusal) {
          // After an attempt that got no answer the log may have the command all the same.
          throw attempt === 1 ? refusal : unanswered(command.processor, error);
        }
        if (this.#connection.isClosed()) break;
        lastError = error;
      }
    }
    throw unanswered(command.processor, lastError);
  }

  /** Reads the log in sequence from `from` on, and goes on as commands come. */
  read(processor: string, from: number): LogReader {
    const open = (sequence: number) =>
      this.#streams.consumers.get(streamOf(processor), {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: sequence,
        inactive_threshold: 30_000_000_000,
      });
    return new LogReader({ processor, from, open, status: this.#connection.status() });
  }

  /**
   * The commands that stand in the log now, from `from` to `through`, in sequence. What stands there the
   * stream's leader says: a consumer may be at a replica that is behind, and would end early.
   */
  async *readRange(processor: string, from: number, through: number): AsyncGenerator<StoredCommand> {
    const end = Math.min(through, await this.last(processor));
    let next = from;
    const isAtEnd = async () => (await this.#nextStored(processor, next)) > end;
    if (next > end || (await isAtEnd())) return;
    const reader = this.read(processor, from);
    // What is still to come may be taken out of the log meanwhile.
    const looking = setInterval(() => {
      isAtEnd().then(
        (ends) => ends && reader.close(),
        () => {},
      );
    }, rangeLookMs);
    try {
      for await (const { command, behind } of reader.commands()) {
        if (command.sequence > end) break;
        next = command.sequence + 1;
        yield command;
        if (next > end || (behind === 0 && (await isAtEnd()))) break;
      }
    } finally {
      clearInterval(looking);
      reader.close();
    }
  }

  /** Takes one command out of the log: it was not applied and never will be (A2). */
  async delete(processor: string, sequence: number): Promise<void> {
    try {
      await this.#manager.streams.deleteMessage(streamOf(processor), sequence, false);
    } catch (error) {
      // Asked for again after a crash it is gone already; a cluster without a leader has only refused to take
      // it out.
      const isGone =
        error instanceof JetStreamApiError && (await this.#nextStored(processor, sequence)) > sequence;
      if (!isGone) throw error;
    }
  }

  /** Takes everything below `sequence` out of the log. */
  async trim(processor: string, sequence: number): Promise<void> {
    await this.#manager.streams.purge(streamOf(processor), { seq: sequence });
  }

  /**
   * The sequence of the first command that is still in the log, or that of the next one where it is empty.
   */
  async first(processor: string): Promise<number> {
    const { messages, first_seq, last_seq } = (await this.#info(processor)).state;
    return messages > 0 ? first_seq : last_seq + 1;
  }

  /**
   * The first command in the log that was stored at this time (Unix ms, by the clock of NATS) or later, and
   * when it was.
   */
  async firstSince(
    processor: string,
    sinceMs: number,
  ): Promise<{ sequence: number; storedAtMs: number } | undefined> {
    const last = await this.#manager.streams.getMessage(streamOf(processor), {
      last_by_subj: commandSubject(processor),
    });
    if (!last || last.time.getTime() < sinceMs) return undefined;
    const consumer = await this.#streams.consumers.get(streamOf(processor), {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(sinceMs).toISOString(),
      headers_only: true,
    });
    const message = await consumer.next();
    // So there is one, and the consumer is at a replica that does not have it yet.
    if (!message) throw new Error(`a replica of the log of ${processor} is behind`);
    return { sequence: message.seq, storedAtMs: message.time.getTime() };
  }

  /** The share of the bytes that the log may hold which it does hold; undefined where it has no limit. */
  async fill(processor: string): Promise<number | undefined> {
    const { config, state } = await this.#info(processor);
    return config.max_bytes > 0 ? state.bytes / config.max_bytes : undefined;
  }

  /**
   * Whether NATS keeps more than one replica of the log. One refused `Nats-Expected-Last-Msg-Id` leaves such
   * a stream without a leader for good, in nats-server 2.14.0 at least, so nothing may be sent to it with
   * that condition.
   */
  async isReplicated(processor: string): Promise<boolean> {
    return (await this.#info(processor)).config.num_replicas > 1;
  }

  /** The sequence of the last command ever stored, 0 for none. */
  async last(processor: string): Promise<number> {
    return (await this.#info(processor)).state.last_seq;
  }

  /**
   * The stream as its leader has it. While there is none a server of a cluster may answer with what its own
   * replica has, which can be behind: that is no answer.
   */
  async #info(processor: string): Promise<StreamInfo> {
    const info = await this.#manager.streams.info(streamOf(processor));
    if (info.cluster && !info.cluster.leader) throw new Error(`the log of ${processor} has no leader`);
    return info;
  }

  /**
   * The sequence of the first command in the log from this one on, by the stream's leader; Infinity for none.
   */
  async #nextStored(processor: string, from: number): Promise<number> {
    const query = { seq: from, next_by_subj: commandSubject(processor) };
    const found = await this.#manager.streams.getMessage(streamOf(processor), query);
    return found?.seq ?? Number.POSITIVE_INFINITY;
  }
}

function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
