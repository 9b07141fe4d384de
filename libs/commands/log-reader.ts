import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerMessages } from "@nats-io/jetstream";
import type { Status } from "@nats-io/transport-node";
import type { StoredCommand } from "./command.ts";
import { commandOfMessage } from "./command.ts";

/** A command, and how much of the log was known to lie behind it. */
export interface ReadCommand {
  command: StoredCommand;
  /** Commands in the log after this one, as far as is known when it is yielded. */
  behind: number;
}

export interface LogReaderOptions {
  processor: string;
  /** The sequence to begin with. */
  from: number;
  /** Makes a consumer that begins at a sequence. */
  open: (from: number) => Promise<Consumer>;
  /** What the connection goes through, until it is closed. */
  status: AsyncIterable<Status>;
}

/** Few enough that those of the largest size fit in memory, enough that the applier never waits. */
const prefetchedCommands = 100;
/** A consumer that says nothing for two or three times as long is replaced. */
const heartbeatMs = 2_000;
/** A new consumer may be known to some of the servers only, for a moment. */
const replaceAfterMs = 50;

/**
 * Reads one log in sequence, without end, through ordered consumers: nothing is acknowledged and nothing
 * redelivered, the position is the reader's own. A consumer that ends or fails is replaced by one that starts
 * at the position, so no command is left out or seen twice.
 *
 * A lost connection ends the consumer, after what it has brought: its requests are lost with the connection,
 * which a busy one would notice by silence only, and NATS may have forgotten it. So does silence: a consumer
 * lives on one server of a cluster, and where that is gone nats.js waits for it to come back.
 */
export class LogReader {
  readonly #options: LogReaderOptions;
  #next: number;
  #opened: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  /** Resolves when the connection is back; undefined while it stands. */
  #away: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#next = options.from;
    void this.#follow();
  }

  /** How many commands there are to read now; to be asked before `commands`. */
  async pending(): Promise<number> {
    this.#opened = await this.#options.open(this.#next);
    // As it was told when the consumer was made.
    return (await this.#opened.info(true)).num_pending;
  }

  /** Yields every command once, in sequence, until `close`; rejects when no consumer can be had. */
  async *commands(): AsyncGenerator<ReadCommand> {
    const { processor, open } = this.#options;
    while (!this.#closed) {
      await this.#away?.promise;
      if (this.#closed) break;
      const consumer = this.#opened ?? (await open(this.#next));
      this.#opened = undefined;
      const messages = await consumer.consume({
        max_messages: prefetchedCommands,
        idle_heartbeat: heartbeatMs,
      });
      this.#messages = messages;
      void endWhenLost(messages);
      if (this.#closed) break;
      // It may have gone before there was anything to stop.
      if (this.#away) messages.stop();
      let taken = 0;
      for await (const message of messages) {
        taken++;
        // A consumer that was reset may begin again before the position.
        if (message.seq < this.#next) continue;
        this.#next = message.seq + 1;
        const { pending } = message.info;
        yield {
          command: commandOfMessage(processor, message),
          // What came after its delivery is not in `pending`, but waits here, as far as there is room.
          behind: Math.max(pending, messages.getReceived() - taken),
        };
        if (this.#closed) break;
      }
      if (taken === 0 && !this.#closed) await sleep(replaceAfterMs);
    }
    this.#messages?.stop();
  }

  /** Ends `commands` after the one in hand. */
  close(): void {
    this.#closed = true;
    this.#messages?.stop();
    this.#away?.resolve();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#options.status) {
      if (this.#closed) break;
      if (type === "disconnect") {
        this.#away ??= Promise.withResolvers();
        this.#opened = undefined;
        this.#messages?.stop();
      } else if (type === "reconnect") this.#back();
    }
    this.#back();
  }

  #back(): void {
    this.#away?.resolve();
    this.#away = undefined;
  }
}

async function endWhenLost(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === "heartbeats_missed" || type === "no_responders") messages.stop();
  }
}
