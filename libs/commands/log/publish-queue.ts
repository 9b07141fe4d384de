import type { Command } from "../messages/command.ts";
import type { PublishAnswer } from "./publish-answer.ts";

/** A command on its way to the log. */
export interface QueuedCommand extends PublishAnswer {
  readonly command: Command;
  /** When it was first sent, by `performance.now()`; 0 if it was not sent yet. */
  sentAt: number;
  /**
   * One of its publishes got no answer in time. So it may be stored, whatever the answers to later publishes
   * say.
   */
  wasUnanswered?: boolean;
}

/**
 * The commands that a LogWriter was given and that are not known to be stored, in order. Each has a number,
 * which its answer comes back with.
 *
 * Invariant: `#first <= #next <= #end`. The commands from `#first` up to `#next` were sent since the last
 * `rewind`, those from `#next` up to `#end` were not.
 */
export class PublishQueue {
  readonly #entries = new Map<number, QueuedCommand>();
  #first = 0;
  #next = 0;
  #end = 0;
  #bytes = 0;
  #waiter: { length: number; promise: PromiseWithResolvers<void> } | undefined;

  /** How many commands it has. */
  get length(): number {
    return this.#end - this.#first;
  }

  /** The size of all its commands' data. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many were sent since the last `rewind` and are not known to be stored. */
  get sentCount(): number {
    return this.#next - this.#first;
  }

  /** The first command that is not known to be stored. */
  get first(): QueuedCommand | undefined {
    return this.#entries.get(this.#first);
  }

  /** The command with this number, if it is not known to be stored. */
  get(number: number): QueuedCommand | undefined {
    return this.#entries.get(number);
  }

  /** Adds a command at the end. */
  add(command: Command): void {
    this.#entries.set(this.#end++, { command, sentAt: 0 });
    this.#bytes += command.data.length;
  }

  /**
   * The next command to send, which counts as sent from now on. `before` is the one before it, unless that is
   * stored.
   */
  takeNext(): { number: number; entry: QueuedCommand; before: Command | undefined } | undefined {
    const entry = this.#entries.get(this.#next);
    if (!entry) return undefined;
    const before = this.#entries.get(this.#next - 1)?.command;
    return { number: this.#next++, entry, before };
  }

  /** Removes the first command if it is stored, and returns it with its sequence. */
  takeStored(): { command: Command; sequence: number } | undefined {
    const { command, sequence } = this.first ?? {};
    if (!command || sequence === undefined) return undefined;
    this.#entries.delete(this.#first++);
    // A late acknowledgement can come after a rewind, when the command is not sent again yet.
    this.#next = Math.max(this.#next, this.#first);
    this.#bytes -= command.data.length;
    if (this.#waiter && this.length <= this.#waiter.length) this.#waiter.promise.resolve();
    return { command, sequence };
  }

  /**
   * Resolves once it has no more than `length` commands; rejects when `rejectWaiter` is called first. One
   * caller at a time.
   */
  async untilLength(length: number): Promise<void> {
    if (this.length <= length) return;
    this.#waiter = { length, promise: Promise.withResolvers() };
    await this.#waiter.promise.promise;
  }

  /** Has `untilLength` reject, if somebody waits there. */
  rejectWaiter(reason: Error): void {
    this.#waiter?.promise.reject(reason);
  }

  /**
   * Notes that the commands sent since the last `rewind` will get no answer any more, except those that have
   * one.
   */
  markUnanswered(): void {
    for (const entry of this.#sent()) {
      if (entry.sequence === undefined && !entry.error) entry.wasUnanswered = true;
    }
  }

  /** Has everything sent again from the first command on. */
  rewind(): void {
    for (const entry of this.#sent()) delete entry.error;
    this.#next = this.#first;
  }

  /** Whether a command may be stored although `takeStored` has not returned it. */
  get isUncertain(): boolean {
    for (const { sentAt, error, wasUnanswered } of this.#entries.values()) {
      if (sentAt > 0 && (!error || wasUnanswered)) return true;
    }
    return false;
  }

  *#sent(): Iterable<QueuedCommand> {
    for (let number = this.#first; number < this.#next; number++) {
      const entry = this.#entries.get(number);
      if (entry) yield entry;
    }
  }
}
