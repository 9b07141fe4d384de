import type { JetStreamClient, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { isStreamNotFound } from "../../nats/errors.ts";
import { Inbox } from "../../nats/inbox.ts";
import type { StoreRoom } from "../../nats/store-room.ts";
import { storedAtMsOf } from "../../nats/stored-at.ts";
import type { Command, StoredCommand } from "../messages/command.ts";
import { commandSubject, streamOf } from "../messages/subjects.ts";
import type { LogLimits } from "./create-log.ts";
import { createLog } from "./create-log.ts";
import { firstSequence, logInfo } from "./log-info.ts";
import type { LogReader } from "./log-reader.ts";
import type { LogPublishing } from "./log-writer-options.ts";
import { openLogReader } from "./open-log-reader.ts";
import type { PublishAnswer } from "./publish-answer.ts";
import { readPublishAnswer } from "./publish-answer.ts";
import type { Stored } from "./publish-command.ts";
import { publishCommand } from "./publish-command.ts";

/** How long one request may take. A log without a leader answers none, and it soon has a leader again. */
const requestTimeoutMs = 2_000;
/** How often `readRange` checks whether there is more to read. */
const rangeCheckMs = 1_000;

export interface CommandLogsOptions {
  /** Tells what one log may take of the storage. */
  room?: Pick<StoreRoom, "perLogBytes">;
  /** NatsLink.inboxPrefix; `_INBOX` without. */
  inboxPrefix?: string;
  /** `ensure` has a log that exists take batches. Gateways have no right to that (deploy/nats). */
  mayUpdate?: boolean;
}

/** The command logs of all processors: each is a JetStream stream (docs/architecture.md, "Commands"). */
export class CommandLogs {
  readonly #connection: NatsConnection;
  readonly #streams: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #publishAnswers: Inbox<PublishAnswer>;
  readonly #limits: LogLimits;
  readonly #options: CommandLogsOptions;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    limits: LogLimits,
    options: CommandLogsOptions,
  ) {
    this.#connection = connection;
    this.#streams = jetstream(connection, { timeout: requestTimeoutMs });
    this.#manager = manager;
    this.#publishAnswers = new Inbox(connection, readPublishAnswer, options.inboxPrefix);
    this.#limits = limits;
    this.#options = options;
  }

  /** Opens all logs. It creates none: see `ensure`. */
  static async open(
    connection: NatsConnection,
    limits: LogLimits,
    options: CommandLogsOptions = {},
  ): Promise<CommandLogs> {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: requestTimeoutMs });
    return new CommandLogs(connection, manager, limits, options);
  }

  /**
   * Creates the processor's log if it does not exist. One that exists stays as it is (`mayUpdate`). A new one begins above
   * `usedThrough`, the last sequence that the caller knows of, and above what was applied. Resolves to what JetStream
   * says of it; to undefined if that has changed since.
   */
  ensure(processor: string, usedThrough = 0): Promise<StreamInfo | undefined> {
    const { mayUpdate = false } = this.#options;
    const version = this.#connection.info?.version ?? "";
    const wanted = { limits: this.#limits, usedThrough, version, mayUpdate };
    return createLog(this.#manager, processor, wanted);
  }

  /**
   * Stores a command. Resolves once JetStream has acknowledged it (A6). If there is no answer, it is
   * published again under the same id, so that it is stored once. To store many commands in order, use a
   * LogWriter.
   *
   * Rejects with LOG_FULL, TOO_LARGE or NATS_UNAVAILABLE. The error's `effect` is `none` if the command is
   * certainly not stored, else `unknown`.
   */
  append(command: Command): Promise<Stored> {
    return publishCommand(this.#connection, this.#publishAnswers, command);
  }

  /**
   * Reads the log in sequence from `from` on, and waits for new commands at its end. The reading ends when it
   * may not be the same log any more (`LogReaderOptions.reopens`). Then, if it is because the connection is lost,
   * `onLost` is called at once.
   */
  read(processor: string, from: number, onLost?: () => void): LogReader {
    return openLogReader(this.#connection, this.#streams, { processor, from, reopens: false, onLost });
  }

  /**
   * Yields the commands from `from` to `through` that are in the log at this moment, in sequence. It asks the
   * stream's leader what the log has. The consumer alone would not do: it may read from a replica that is
   * behind, and would end too early.
   */
  async *readRange(processor: string, from: number, through: number): AsyncGenerator<StoredCommand> {
    const end = Math.min(through, await this.last(processor));
    let next = from;
    const isAtEnd = async () => (await this.next(processor, next)) > end;
    if (next > end || (await isAtEnd())) return;
    const reader = openLogReader(this.#connection, this.#streams, { processor, from, reopens: true });
    // The rest of the range may be trimmed from the log before it is read. Then no more commands would come.
    const checking = setInterval(() => {
      isAtEnd().then(
        (ends) => ends && reader.close(),
        () => {},
      );
    }, rangeCheckMs);
    try {
      for await (const { command, behind } of reader.commands()) {
        if (command.sequence > end) break;
        next = command.sequence + 1;
        yield command;
        if (next > end || (behind === 0 && (await isAtEnd()))) break;
      }
    } finally {
      clearInterval(checking);
      reader.close();
    }
  }

  /**
   * Removes one command from the log. That is allowed only for a command that is not applied and never will
   * be (A2).
   */
  async delete(processor: string, sequence: number): Promise<void> {
    try {
      await this.#manager.streams.deleteMessage(streamOf(processor), sequence, false);
    } catch (error) {
      // The command may be gone already, if this is repeated after a crash. But the error can also mean that
      // the cluster has no leader.
      const isGone = error instanceof JetStreamApiError && (await this.next(processor, sequence)) > sequence;
      if (!isGone) throw error;
    }
  }

  /** Removes the whole log. If there is none, nothing happens. */
  async remove(processor: string): Promise<void> {
    try {
      await this.#manager.streams.delete(streamOf(processor));
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
    }
  }

  /** Removes all commands from the log. Those that come later have higher sequences. */
  async empty(processor: string): Promise<void> {
    await this.#manager.streams.purge(streamOf(processor));
  }

  /** Removes all commands below `sequence` from the log. */
  async trim(processor: string, sequence: number): Promise<void> {
    await this.#manager.streams.purge(streamOf(processor), { seq: sequence });
  }

  /**
   * The sequence of the first command in the log. If the log is empty, the sequence that the next command
   * will get.
   */
  async first(processor: string): Promise<number> {
    return firstSequence((await logInfo(this.#manager, processor)).state);
  }

  /**
   * The first command that was stored at `sinceMs` (Unix ms, by the clock of NATS) or later; undefined if
   * there is none.
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
    // The leader has said that there is one. So the consumer reads from a replica that does not have it yet.
    if (!message) throw new Error(`a replica of the log of ${processor} is behind`);
    return { sequence: message.seq, storedAtMs: storedAtMsOf(message) };
  }

  /**
   * How full the log is, from 0 to 1. Undefined if JetStream holds it to no limit and it is nearly empty, or has
   * no limit at all: then what waits in it cannot fill it soon.
   */
  async fill(processor: string): Promise<number | undefined> {
    const { config, state } = await logInfo(this.#manager, processor);
    const fill = state.bytes / this.#limitOf(config);
    return config.max_bytes > 0 || fill > 0.1 ? fill : undefined;
  }

  /** How large the log is, and its limit, by whomever it is held; Infinity without one. */
  async size(processor: string): Promise<{ bytes: number; maxBytes: number }> {
    const { config, state } = await logInfo(this.#manager, processor);
    return { bytes: state.bytes, maxBytes: this.#limitOf(config) };
  }

  /** How commands may be published to the log, many at a time. */
  async publishing(processor: string): Promise<LogPublishing> {
    const { num_replicas, allow_atomic } = (await logInfo(this.#manager, processor)).config;
    return { isReplicated: num_replicas > 1, takesBatches: allow_atomic === true };
  }

  /** The sequence of the last command that was ever stored; 0 if there was none. */
  async last(processor: string): Promise<number> {
    return (await logInfo(this.#manager, processor)).state.last_seq;
  }

  #limitOf({ max_bytes: maxBytes }: StreamInfo["config"]): number {
    const ofLog = maxBytes > 0 ? maxBytes : (this.#limits.heldBytes ?? -1);
    const ofStore = this.#options.room?.perLogBytes ?? Number.POSITIVE_INFINITY;
    return ofLog > 0 ? Math.min(ofLog, ofStore) : ofStore;
  }

  /**
   * The first sequence from `from` on that the log has, as the stream's leader knows it; Infinity if there is
   * none.
   */
  async next(processor: string, from: number): Promise<number> {
    const query = { seq: from, next_by_subj: commandSubject(processor) };
    const found = await this.#manager.streams.getMessage(streamOf(processor), query);
    return found?.seq ?? Number.POSITIVE_INFINITY;
  }
}
