import { setTimeout as sleep } from "node:timers/promises";
import { DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { isStreamNotFound } from "../nats/errors.ts";
import { storedMessages } from "../nats/stored-messages.ts";
import type { EntrySource } from "./entries.ts";
import { entryOf } from "./entries.ts";
import type { BackupFile } from "./folder.ts";

const fetchedAtOnce = 500;
const readAgainMs = 50;

/**
 * Copies one processor's messages of the streams that all processors share into a file. It can do so twice: once
 * while the processor runs, and once more, while it is paused, what has come since. So the pause is short.
 */
export class EntryCopy {
  readonly #connection: NatsConnection;
  readonly #file: BackupFile;
  /** By subject, from which sequence on the stream was not copied yet. */
  readonly #next = new Map<string, number>();
  /** How many messages were copied. */
  count = 0;

  constructor(connection: NatsConnection, file: BackupFile) {
    this.#connection = connection;
    this.#file = file;
  }

  /** Copies what is there and was not copied yet. More may come meanwhile. */
  async copyMost(sources: EntrySource[], stopping: AbortSignal): Promise<void> {
    for (const source of sources) await this.#copy(source, stopping);
  }

  /** Copies all that was not copied yet. Nothing of it should change meanwhile. */
  async copyRest(sources: EntrySource[], stopping: AbortSignal): Promise<void> {
    for (const source of sources) {
      await this.#copy(source, stopping);
      // What reads a stream may be given a replica that is behind its leader. The leader knows whether that is
      // all.
      while (await this.#hasMore(source)) {
        await sleep(readAgainMs, undefined, { signal: stopping });
        await this.#copy(source, stopping);
      }
    }
  }

  async #copy({ stream, subject }: EntrySource, stopping: AbortSignal): Promise<void> {
    const from = this.#next.get(subject) ?? 1;
    try {
      const consumer = await jetstream(this.#connection).consumers.get(stream, {
        filter_subjects: subject,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
      });
      for await (const message of storedMessages(consumer, fetchedAtOnce)) {
        stopping.throwIfAborted();
        await this.#file.write(Buffer.from(`${JSON.stringify(entryOf(stream, message))}\n`));
        this.#next.set(subject, message.seq + 1);
        this.count++;
      }
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
    }
  }

  async #hasMore({ stream, subject }: EntrySource): Promise<boolean> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const query = { seq: this.#next.get(subject) ?? 1, next_by_subj: subject };
    try {
      return (await manager.streams.getMessage(stream, query)) !== null;
    } catch (error) {
      if (isStreamNotFound(error)) return false;
      throw error;
    }
  }
}
