import type { Msg, MsgHdrs, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import type { GatewayError } from "../../errors/gateway-error.ts";
import type { Command } from "../messages/command.ts";
import { headersOfCommand } from "../messages/command.ts";
import { commandSubject } from "../messages/subjects.ts";
import { isOutOfOrder, readPublishAnswer, refusalOfAnswer, unavailable } from "./publish-answer.ts";
import { PublishQueue } from "./publish-queue.ts";
import { PublishWindow } from "./publish-window.ts";
import { UnansweredPublishes } from "./unanswered-publishes.ts";

/** What a LogWriter uses of the connection to NATS. */
export interface PublishingConnection {
  publish(subject: string, data: Uint8Array, options: { headers: MsgHdrs; reply: string }): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: AnswerMessage) => void },
  ): Pick<Subscription, "unsubscribe">;
}

type AnswerMessage = Pick<Msg, "subject" | "data" | "json">;

/** Where a LogWriter writes, and whom it tells. */
export interface LogWriterOptions {
  connection: PublishingConnection;
  /**
   * The number of the present connection (NatsLink.session). While it is 0 nothing is published: nats.js
   * would keep it in memory.
   */
  session: () => number;
  /** NatsLink.inboxPrefix; `_INBOX` without. */
  inboxPrefix?: string;
  processor: string;
  /**
   * Whether several commands may be under way at a time. It has to be false for a replicated log
   * (CommandLogs.isReplicated). Default true.
   */
  pipelined?: boolean;
  /**
   * Called once for each command, in the order they were added, as soon as JetStream has acknowledged it
   * (A6).
   */
  onStored: (command: Command, sequence: number) => void;
  /** How long it goes on without any acknowledgement before it fails. */
  patienceMs?: number;
}

/** The writer is full at this many commands, or this many bytes of their data. */
const maxCommands = 512;
const maxBytes = 8 * 1024 * 1024;
const tickMs = 50;
/**
 * A command is not sent again when its first sending is longer ago than this. JetStream knows a message id
 * for two minutes, and a resend needs some of that time to arrive.
 */
const resendLimitMs = 60_000;

/**
 * Stores commands in the order they are added, many of them under way at a time.
 *
 * A command is sent on one of two conditions. Either every command before it is acknowledged, or JetStream is
 * asked to refuse it unless the log ends with the command before it (`Nats-Expected-Last-Msg-Id`). So nothing
 * is stored before what was added before it (A2), whatever is lost, refused or slow. And nothing is stored
 * twice, as a resend has the same message id.
 *
 * States:
 * - *flowing*: commands are sent, up to `#window` of them ahead of the first that is not acknowledged.
 * - *broken*: a command was refused or not answered, so those sent after it will be refused too. Nothing is
 *   sent until all of them are answered or given up. Then it flows again, from the first command that is not
 *   stored.
 * - *failed*, for good.
 *
 * A command of somebody else between two of these breaks the flow too, and halves the window. A writer that is
 * not pipelined has a window of 1, and so never sends with the condition.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #patienceMs: number;
  readonly #inbox: string;
  readonly #answers: Pick<Subscription, "unsubscribe">;
  readonly #timer: NodeJS.Timeout;
  readonly #queue = new PublishQueue();
  readonly #unanswered = new UnansweredPublishes();
  readonly #window: PublishWindow;
  #isBroken = false;
  #failure: GatewayError | undefined;
  /** When a command was acknowledged last, or was added to an empty queue. */
  #progressAt = 0;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#inbox = createInbox(options.inboxPrefix);
    this.#patienceMs = options.patienceMs ?? 15_000;
    this.#window = new PublishWindow(options.pipelined === false ? 1 : maxCommands);
    this.#answers = options.connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => {
        if (!error) this.#takeAnswer(message);
      },
    });
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Takes a command. While `isFull`, wait for `room` before the next one. */
  add(command: Command): void {
    if (this.#queue.length === 0) this.#progressAt = performance.now();
    this.#queue.add(command);
    this.#send();
  }

  /** How many commands are not known to be stored. */
  get underWay(): number {
    return this.#queue.length;
  }

  /** The size of their data. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** Whether no command may be added now: too many are under way, or it has failed. */
  get isFull(): boolean {
    return this.#failure !== undefined || this.underWay >= maxCommands || this.#queue.bytes >= maxBytes;
  }

  /** Resolves once half of what is under way is stored. Rejects as `settle` does. */
  room(): Promise<void> {
    return this.#until(Math.floor(this.#queue.length / 2));
  }

  /**
   * Resolves once everything is stored. Rejects with LOG_FULL or STORE_FULL if no more is taken. Then exactly
   * those commands are stored that `onStored` was called with. Rejects with NATS_UNAVAILABLE if there was no
   * acknowledgement for `patienceMs`.
   */
  settle(): Promise<void> {
    return this.#until(0);
  }

  /** Whether a command may be stored although `onStored` was not called with it. */
  get isUncertain(): boolean {
    return this.#queue.isUncertain;
  }

  /** Stops. What is under way may still be stored, and `onStored` is not called any more. */
  close(): void {
    clearInterval(this.#timer);
    this.#answers.unsubscribe();
  }

  async #until(length: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    await this.#queue.untilLength(length);
  }

  /** Sends as much as the window allows. */
  #send(): void {
    const { session } = this.#options;
    while (!this.#isBroken && session() !== 0 && this.#queue.sentCount < this.#window.size) {
      const next = this.#queue.takeNext();
      if (!next) return;
      const now = performance.now();
      next.entry.sentAt ||= now;
      if (now - next.entry.sentAt > resendLimitMs) this.#fail(unavailable(this.#options.processor));
      else this.#publish(next.number, next.entry.command, next.before);
    }
  }

  #publish(number: number, command: Command, before: Command | undefined): void {
    const { connection, processor, session } = this.#options;
    const headers = headersOfCommand(command);
    if (before) headers.set("Nats-Expected-Last-Msg-Id", before.id);
    this.#unanswered.countSent(session());
    try {
      const reply = `${this.#inbox}.${this.#unanswered.run}.${number}`;
      connection.publish(commandSubject(processor), command.data, { headers, reply });
    } catch {
      // The connection is closed for good, or the server now takes smaller messages than when this one was
      // checked.
      this.#fail(unavailable(processor));
    }
  }

  #takeAnswer(message: AnswerMessage): void {
    const [run, number] = message.subject.split(".").slice(-2).map(Number);
    const entry = this.#queue.get(number ?? -1);
    const answer = readPublishAnswer(message);
    const isOfThisRun = this.#unanswered.countAnswer(run);
    // A late acknowledgement counts. A late refusal does not: the command was sent again since then.
    if (entry && answer.sequence !== undefined) entry.sequence = answer.sequence;
    else if (entry && isOfThisRun && answer.error) {
      entry.error = answer.error;
      this.#isBroken = true;
    }
    this.#reportStored();
    if (!this.#isBroken) this.#send();
    // With any other refusal it waits for the next tick, so that it does not try again at once and without
    // end.
    else if (this.#unanswered.isEmpty && isOutOfOrder(this.#queue.first)) this.#resume();
  }

  #reportStored(): void {
    for (let stored = this.#queue.takeStored(); stored; stored = this.#queue.takeStored()) {
      this.#progressAt = performance.now();
      this.#window.grow();
      this.#options.onStored(stored.command, stored.sequence);
    }
  }

  #tick(): void {
    if (this.#failure || this.#queue.length === 0) return;
    if (this.#unanswered.giveUpLost(this.#options.session())) {
      this.#isBroken = true;
      this.#queue.markUnanswered();
    }
    if (this.#isBroken && this.#unanswered.isEmpty) this.#resume();
    else if (!this.#isBroken) {
      this.#send();
      this.#failIfStalled();
    }
  }

  /**
   * Ends a break and sends again from the first command that is not stored. It does not if sending again
   * cannot help, or while NATS is away.
   */
  #resume(): void {
    const { processor, session } = this.#options;
    const { first } = this.#queue;
    const refusal = refusalOfAnswer(first, processor);
    if (refusal) this.#fail(refusal);
    this.#failIfStalled();
    if (this.#failure || session() === 0) return;
    if (isOutOfOrder(first)) this.#window.halve();
    this.#queue.rewind();
    this.#unanswered.beginRun();
    this.#isBroken = false;
    this.#send();
  }

  #failIfStalled(): void {
    if (this.#queue.length === 0 || performance.now() - this.#progressAt < this.#patienceMs) return;
    this.#fail(unavailable(this.#options.processor));
  }

  #fail(failure: GatewayError): void {
    this.#failure ??= failure;
    this.#isBroken = true;
    this.#queue.rejectWaiter(failure);
  }
}
