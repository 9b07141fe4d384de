import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerMessages } from "@nats-io/jetstream";
import type { Status } from "@nats-io/transport-node";
import type { StoredCommand } from "../messages/command.ts";
import { commandOfMessage } from "../messages/command.ts";

/** A command that was read, and how many follow it. */
export interface ReadCommand {
  command: StoredCommand;
  /** How many commands are in the log after this one, as far as is known when it is yielded. */
  behind: number;
}

/** Which log to read, and the means for it. */
export interface LogReaderOptions {
  processor: string;
  /** The sequence to start at. */
  from: number;
  /** Makes an ordered consumer that starts at a sequence. */
  open: (from: number) => Promise<Consumer>;
  /**
   * Whether a consumer that has ended is replaced. Otherwise `commands` ends, once the connection is there: then
   * the log may be another one.
   */
  reopens: boolean;
  /** How often a consumer has to show that it is alive. One that is silent for two or three times as long is replaced. */
  heartbeatMs: number;
  /** How often a consumer is asked anew for commands; at least twice as long. */
  requestMs: number;
  /** The status events of the connection. They end when it is closed. */
  status: AsyncIterable<Status>;
  /** Called when the connection is lost, unless the reader reopens. */
  onLost?: (() => void) | undefined;
}

/**
 * How many commands a consumer fetches ahead. They fit in memory even if all have the largest size, and the
 * worker never has to wait for the next one.
 */
const prefetchedCommands = 100;
/**
 * A consumer that ended without any message is replaced after this time. A new consumer can fail in this way,
 * because for a moment only some servers of a cluster know it.
 */
const replaceAfterMs = 50;

/**
 * Reads one log in sequence, and waits for more at its end. The reader itself keeps the position: it uses
 * ordered consumers, so nothing is acknowledged to NATS and nothing is redelivered. When a consumer ends or
 * fails, a new one starts at the position, or the reading ends there (`reopens`). So each command is yielded
 * exactly once (A2).
 *
 * Two more things end a consumer:
 * - A lost connection. The consumer's requests are lost with it, and NATS may have removed the consumer. The
 *   messages that have arrived by then are still yielded.
 * - Silence. A consumer lives on one server of a cluster. If that server is gone, nats.js waits for it to
 *   come back, which may be never.
 */
export class LogReader {
  readonly #options: LogReaderOptions;
  #next: number;
  #opened: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  /** Resolves when the connection is back. Undefined while it is there. */
  #away: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#next = options.from;
    void this.#followConnection();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** How many commands there are to read now. To be called before `commands`, if at all. */
  async pending(): Promise<number> {
    this.#opened = await this.#options.open(this.#next);
    // `true` makes no request: it gives what NATS said when the consumer was made.
    return (await this.#opened.info(true)).num_pending;
  }

  /**
   * Yields every command once, in sequence, until `close`. Throws if no consumer can be made. Ends with its
   * consumer, unless the reader reopens.
   */
  async *commands(): AsyncGenerator<ReadCommand> {
    const { processor, open, reopens, heartbeatMs, requestMs } = this.#options;
    await this.#away?.promise;
    while (!this.#closed) {
      const consumer = this.#opened ?? (await open(this.#next));
      this.#opened = undefined;
      const messages = await consumer.consume({
        max_messages: prefetchedCommands,
        idle_heartbeat: heartbeatMs,
        expires: requestMs,
      });
      this.#messages = messages;
      void stopWhenSilent(messages);
      if (this.#closed) break;
      // The connection may have been lost before there were messages to stop.
      if (this.#away) messages.stop();
      let taken = 0;
      for await (const message of messages) {
        taken++;
        // An ordered consumer that nats.js has reset may repeat what was read.
        if (message.seq < this.#next) continue;
        this.#next = message.seq + 1;
        const { pending } = message.info;
        yield {
          command: commandOfMessage(processor, message),
          // `pending` is what the server knew when it sent the message. Messages that came later may already
          // wait here.
          behind: Math.max(pending, messages.getReceived() - taken),
        };
        if (this.#closed) break;
      }
      if (taken === 0 && !this.#closed) await sleep(replaceAfterMs);
      await this.#away?.promise;
      if (!reopens) break;
    }
    this.#messages?.stop();
  }

  /** Ends `commands`, after the command that was yielded last. */
  close(): void {
    this.#closed = true;
    this.#messages?.stop();
    this.#away?.resolve();
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#options.status) {
      if (this.#closed) break;
      if (type === "disconnect") {
        if (!this.#options.reopens) this.#options.onLost?.();
        this.#away ??= Promise.withResolvers();
        this.#opened = undefined;
        this.#messages?.stop();
      } else if (type === "reconnect") this.#resume();
    }
    this.#resume();
  }

  #resume(): void {
    this.#away?.resolve();
    this.#away = undefined;
  }
}

/** What shows that no more messages will come: silence, or that the consumer or its stream is gone. */
const endingStatus = new Set(["heartbeats_missed", "no_responders", "consumer_deleted", "stream_not_found"]);

async function stopWhenSilent(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (endingStatus.has(type)) messages.stop();
}
