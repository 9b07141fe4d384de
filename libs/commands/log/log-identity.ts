import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { closedCommandSubject, commandSubject, streamOf } from "../messages/subjects.ts";
import { logInfo } from "./log-info.ts";

/** What a log says of itself, as its leader knows it. */
export interface LogFacts {
  /** The id that a worker has given it (`name`); undefined if it has none. */
  id: string | undefined;
  /** How many commands it has. */
  messages: number;
  /** The first sequence that was not trimmed; it may belong to a command that is yet to come. */
  first: number;
  /** The last sequence that was ever stored; 0 if there was none. */
  last: number;
  /** Unix ms at which its first command was stored; undefined if it has none. */
  firstStoredAtMs: number | undefined;
  /** The time by the clock of NATS (Unix ms); undefined before nats-server 2.10. */
  nowMs: number | undefined;
  /** When its stream was created, as NATS says it. */
  created: string;
}

const requestTimeoutMs = 2_000;
/** The id stands at the end of the stream's description, because nats-server 2.9 keeps nothing else. */
const idInDescription = /; log ([A-Za-z0-9]+)$/;

/**
 * Tells whether a log is still the one that a worker has read: what it says of itself, and the means to have
 * its numbers go on above those that were used (docs/recovery.md, When the log is not what it was).
 */
export class LogIdentity {
  readonly #manager: JetStreamManager;

  private constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  static async open(connection: NatsConnection): Promise<LogIdentity> {
    return new LogIdentity(
      await jetstreamManager(connection, { checkAPI: false, timeout: requestTimeoutMs }),
    );
  }

  /**
   * What the log says of itself. A log that was left closed by `continueAt` is opened. Rejects if there is no
   * log, and while it has no leader. `info` is what JetStream has said of it just now, if it was asked.
   */
  async look(processor: string, info?: StreamInfo): Promise<LogFacts> {
    const isOfLeader = info !== undefined && (!info.cluster || info.cluster.leader !== undefined);
    const { config, state, ts, created } = isOfLeader ? info : await logInfo(this.#manager, processor);
    if (config.subjects?.includes(closedCommandSubject(processor))) await this.#openFor(processor);
    const now = ts === undefined ? undefined : Date.parse(ts);
    return {
      id: idInDescription.exec(config.description ?? "")?.[1],
      messages: state.messages,
      first: state.first_seq,
      last: state.last_seq,
      firstStoredAtMs: state.messages > 0 ? Date.parse(state.first_ts) : undefined,
      nowMs: now,
      created: String(created),
    };
  }

  /** Unix ms at which the command with this sequence was stored; undefined if the log does not have it. */
  async storedAt(processor: string, sequence: number): Promise<number | undefined> {
    if (sequence < 1) return undefined;
    const message = await this.#manager.streams.getMessage(streamOf(processor), { seq: sequence });
    return message?.time.getTime();
  }

  /**
   * Gives the log an id, which stays with it for as long as the stream exists, and resolves to it. It is made of
   * when the stream was created. So two who name a log at the same time give it the same id.
   */
  async name(processor: string, { created }: Pick<LogFacts, "created">): Promise<string> {
    const id = created.replace(/[^0-9A-Za-z]/g, "");
    const description = `Commands of the KATO processor ${processor}; log ${id}`;
    await this.#manager.streams.update(streamOf(processor), { description });
    return id;
  }

  /**
   * Removes every command, and has the next one stored get at least the sequence `next`. Does nothing and
   * resolves to false unless `last` is the last sequence. Meanwhile the log is closed: what is sent to it is
   * refused, so no command is removed that came in between (A6). Everything up to `last` has to be applied.
   */
  async continueAt(processor: string, { last, next }: { last: number; next: number }): Promise<boolean> {
    const stream = streamOf(processor);
    await this.#manager.streams.update(stream, { subjects: [closedCommandSubject(processor)] });
    try {
      const { state } = await logInfo(this.#manager, processor);
      if (state.last_seq !== last) return false;
      await this.#manager.streams.purge(stream, { seq: next });
      return true;
    } finally {
      await this.#openFor(processor);
    }
  }

  async #openFor(processor: string): Promise<void> {
    await this.#manager.streams.update(streamOf(processor), { subjects: [commandSubject(processor)] });
  }
}
