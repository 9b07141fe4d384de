import type { Consumer, ConsumerMessages } from "@nats-io/jetstream";
import type { StoredCommand } from "./command.ts";
import { commandOfMessage } from "./command.ts";

/** A command, and how much of the log was known to lie behind it. */
export interface ReadCommand {
  command: StoredCommand;
  /** Commands in the log after this one when it was delivered. */
  behind: number;
}

/** Few enough that those of the largest size fit in memory, enough that the applier never waits. */
const prefetchedCommands = 100;

/**
 * Reads one log in sequence, without end, through ordered consumers: nothing is acknowledged and nothing redelivered, the
 * position is the reader's own. A consumer that ends or fails is replaced by one that starts at the position, so no
 * command is left out or seen twice.
 */
export class LogReader {
  readonly #processor: string;
  readonly #open: (from: number) => Promise<Consumer>;
  #next: number;
  #opened: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #closed = false;

  constructor(processor: string, from: number, open: (from: number) => Promise<Consumer>) {
    this.#processor = processor;
    this.#next = from;
    this.#open = open;
  }

  /** How many commands there are to read now; to be asked before `commands`. */
  async pending(): Promise<number> {
    this.#opened = await this.#open(this.#next);
    return (await this.#opened.info()).num_pending;
  }

  /** Yields every command once, in sequence, until `close`; rejects when no consumer can be had. */
  async *commands(): AsyncGenerator<ReadCommand> {
    while (!this.#closed) {
      const consumer = this.#opened ?? (await this.#open(this.#next));
      this.#opened = undefined;
      const messages = await consumer.consume({ max_messages: prefetchedCommands, idle_heartbeat: 2_000 });
      this.#messages = messages;
      if (this.#closed) break;
      for await (const message of messages) {
        // A consumer that was reset may begin again before the position.
        if (message.seq < this.#next) continue;
        this.#next = message.seq + 1;
        yield { command: commandOfMessage(this.#processor, message), behind: message.info.pending };
        if (this.#closed) break;
      }
    }
    this.#messages?.stop();
  }

  /** Ends `commands` after the one in hand. */
  close(): void {
    this.#closed = true;
    this.#messages?.stop();
  }
}
