import { isStoreFullCode } from "../../nats/errors.ts";
import type { Command } from "../messages/command.ts";
import type { PublishAnswer } from "./publish-answer.ts";
import type { PublishRefusal } from "./publish-errors.ts";

/** A command on its way to the log. */
export interface QueuedCommand extends PublishAnswer {
  readonly command: Command;
  /**
   * When JetStream was first asked to store it, by `performance.now()`; 0 if it certainly was not stored since. A
   * command of a batch is not asked for before the batch is whole.
   */
  sentAt: number;
  /**
   * One of its publishes got no answer in time. So it may be stored, whatever the answers to later publishes
   * say.
   */
  wasUnanswered?: boolean;
}

/** Commands that follow each other, by the number of the first. */
export interface Numbers {
  readonly first: number;
  readonly count: number;
}

/** Commands as one word of a subject. */
export function nameOf({ first, count }: Numbers): string {
  return `${first}-${count}`;
}

/** The commands that a word of a subject names. */
export function numbersOf(name = ""): Numbers {
  const [first = -1, count = 1] = name.split("-").map(Number);
  return { first, count };
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

  /** How many were not sent since the last `rewind`. */
  get unsentCount(): number {
    return this.#end - this.#next;
  }

  /** The number of the next command to send. */
  get nextNumber(): number {
    return this.#next;
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

  /**
   * Notes that JetStream is asked now to store these. Throws if it was asked first for one of them longer ago than
   * `limitMs`.
   */
  noteAskedFor(numbers: Numbers, limitMs: number): void {
    const now = performance.now();
    for (const entry of this.#those(numbers)) {
      entry.sentAt ||= now;
      if (now - entry.sentAt > limitMs) throw new Error("It was sent first too long ago.");
    }
  }

  /** Notes that these are stored, the last of them under the sequence of this answer. */
  noteStored(numbers: Numbers, { sequence = 0 }: PublishAnswer): void {
    const { first, count } = numbers;
    for (let index = 0; index < count; index++) {
      const entry = this.#entries.get(first + index);
      if (entry) entry.sequence = sequence - count + 1 + index;
    }
  }

  /**
   * Notes that a command, or a batch, was refused. JetStream may have begun to store a batch when its storage became
   * full, and then it may store the rest when it is started again.
   */
  noteRefused(numbers: Numbers, error: PublishRefusal | undefined): void {
    const isCertain = error !== undefined && (numbers.count === 1 || !isStoreFullCode(error.code));
    for (const entry of this.#those(numbers)) {
      if (!isCertain) entry.wasUnanswered = true;
      else if (numbers.count === 1) entry.error = error;
      // Why a batch was refused says nothing of each of its commands.
      else if (!entry.wasUnanswered) entry.sentAt = 0;
    }
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
      const isAskedFor = entry.sentAt > 0;
      if (isAskedFor && entry.sequence === undefined && !entry.error) entry.wasUnanswered = true;
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

  #sent(): Iterable<QueuedCommand> {
    return this.#those({ first: this.#first, count: this.#next - this.#first });
  }

  *#those({ first, count }: Numbers): Iterable<QueuedCommand> {
    for (let number = first; number < first + count; number++) {
      const entry = this.#entries.get(number);
      if (entry) yield entry;
    }
  }
}
