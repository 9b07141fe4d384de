import type { MsgHdrs, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import type { GatewayError } from "../../errors/gateway-error.ts";
import { maxBatchMessages } from "../../nats/batches.ts";
import type { Command } from "../messages/command.ts";
import { headersOfCommand } from "../messages/command.ts";
import { commandSubject } from "../messages/subjects.ts";
import type { AnswerMessage, LogWriterOptions } from "./log-writer-options.ts";
import { OpenBatch } from "./open-batch.ts";
import { isOutOfOrder, readPublishAnswer, refusalOfAnswer, unavailable } from "./publish-answer.ts";
import type { Numbers } from "./publish-queue.ts";
import { nameOf, numbersOf, PublishQueue } from "./publish-queue.ts";
import { PublishWindow } from "./publish-window.ts";
import { UnansweredPublishes } from "./unanswered-publishes.ts";

/**
 * The writer is full at so many commands, or bytes of their data. While a batch is being stored and the next one waits
 * for that, there is room for a third one.
 */
const maxCommands = { oneByOne: 512, inBatches: 3 * maxBatchMessages };
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
 * JetStream is asked to store a command, or a batch, on one of two conditions. Either every command before it is
 * acknowledged, or JetStream has to refuse it unless the log ends with the command before it
 * (`Nats-Expected-Last-Msg-Id`). So nothing is stored before what was added before it (A2). And nothing is stored
 * twice, as a resend has the same message ids.
 *
 * If the log takes batches, the next one is sent while one is being stored, but for its last command. One that is refused
 * or not answered is sent again one by one, since then JetStream says of each command what became of it. One by one, up
 * to `#window` are sent ahead of the first that is not acknowledged, with the condition. A command of somebody else in
 * between breaks the flow, and halves the window. For a replicated log it is 1.
 *
 * States:
 * - *flowing*: commands are sent.
 * - *broken*: a command was refused or not answered, so those sent after it will be refused too. Nothing is sent
 *   until all of them are answered or given up. Then it flows again, from the first command that is not stored.
 * - *failed*, for good.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #inbox: string;
  readonly #answers: Pick<Subscription, "unsubscribe">;
  readonly #timer: NodeJS.Timeout;
  readonly #queue = new PublishQueue();
  readonly #unanswered = new UnansweredPublishes();
  readonly #window: PublishWindow;
  #batch: OpenBatch | undefined;
  /** The first number from which on commands are sent in batches. */
  #batchesFrom = 0;
  #isBroken = false;
  #failure: GatewayError | undefined;
  /** When a command was acknowledged last, or was added to an empty queue. */
  #progressAt = 0;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#inbox = createInbox(options.inboxPrefix);
    this.#window = new PublishWindow(options.log.isReplicated ? 1 : maxCommands.oneByOne);
    this.#answers = options.connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => void (error ?? this.#takeAnswer(message)),
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
    const max = maxCommands[this.#options.log.takesBatches ? "inBatches" : "oneByOne"];
    return this.#failure !== undefined || this.underWay >= max || this.#queue.bytes >= maxBytes;
  }

  /** Resolves once a third of what is under way is stored. Rejects as `settle` does. */
  room(): Promise<void> {
    return this.#until(Math.floor((this.#queue.length * 2) / 3));
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

  /** Sends as much as may be sent now. */
  #send(): void {
    const { log, session } = this.#options;
    let isSent = true;
    while (isSent && !this.#isBroken && session() !== 0 && this.#queue.unsentCount > 0) {
      const inBatches = log.takesBatches && this.#queue.nextNumber >= this.#batchesFrom;
      isSent = inBatches ? this.#sendOfBatch() : this.#sendOne();
    }
  }

  /** Sends the next command by itself. Returns false if it has to wait. */
  #sendOne(): boolean {
    if (this.#queue.sentCount >= this.#window.size) return false;
    const { number = 0, entry, before } = this.#queue.takeNext() ?? {};
    if (!entry) return false;
    const headers = headersOfCommand(entry.command, before && { "Nats-Expected-Last-Msg-Id": before.id });
    this.#publish(entry.command, headers, { first: number, count: 1 });
    return true;
  }

  /**
   * Sends the next command in a batch, or by itself if it is alone. Returns false if it has to wait: its batch would be
   * stored with it, and what comes before is not acknowledged.
   */
  #sendOfBatch(): boolean {
    const batch = this.#batch;
    const isLast = this.#queue.unsentCount === 1 || batch?.isNearlyFull === true;
    if (isLast && !this.#unanswered.isEmpty) return false;
    if (isLast && !batch) return this.#sendOne();
    // Commands that are sent with a condition may be refused, and the batch would have to be sent again.
    if (!batch && this.#unanswered.count > 1) return false;
    const into = batch ?? new OpenBatch(this.#queue.nextNumber);
    this.#batch = isLast ? undefined : into;
    const command = this.#queue.takeNext()?.entry.command;
    if (!command) return false;
    const headers = headersOfCommand(command, into.mark(isLast));
    this.#publish(command, headers, isLast ? into.numbers : undefined);
    return true;
  }

  /** Publishes a command. JetStream is to store these with it, if any, and to answer. */
  #publish(command: Command, headers: MsgHdrs, stores: Numbers | undefined): void {
    const { connection, processor, session } = this.#options;
    const reply = stores && { reply: `${this.#inbox}.${this.#unanswered.run}.${nameOf(stores)}` };
    if (stores) this.#unanswered.countSent(session());
    try {
      if (stores) this.#queue.noteAskedFor(stores, resendLimitMs);
      connection.publish(commandSubject(processor), command.data, { headers, ...reply });
    } catch {
      // It was sent too long ago, or the connection is closed for good, or the server takes smaller messages now.
      this.#fail(unavailable(processor));
    }
  }

  #takeAnswer(message: AnswerMessage): void {
    const [run, name] = message.subject.split(".").slice(-2);
    const numbers = numbersOf(name);
    const answer = readPublishAnswer(message);
    const isOfThisRun = this.#unanswered.countAnswer(Number(run));
    const isStored = answer.sequence !== undefined && (answer.count ?? 1) === numbers.count;
    // A late acknowledgement counts. A late refusal does not: the command was sent again since then.
    if (isStored) this.#queue.noteStored(numbers, answer);
    else if (isOfThisRun) {
      this.#isBroken = true;
      this.#queue.noteRefused(numbers, answer.error);
      if (numbers.count > 1) this.#batchesFrom = numbers.first + numbers.count;
    }
    this.#reportStored();
    if (!this.#isBroken) this.#send();
    // With any other refusal it waits for the next tick, so as not to try again at once and without end.
    else if (this.#unanswered.isEmpty && isOutOfOrder(this.#queue.first)) this.#resume();
  }

  #reportStored(): void {
    const now = performance.now();
    for (let stored = this.#queue.takeStored(); stored; stored = this.#queue.takeStored()) {
      this.#progressAt = now;
      this.#window.grow();
      this.#options.onStored(stored.command, stored.sequence);
    }
  }

  #tick(): void {
    if (this.#failure || this.#queue.length === 0) return;
    if (this.#unanswered.giveUpLost(this.#options.session())) {
      this.#isBroken = true;
      this.#queue.markUnanswered();
      this.#batchesFrom = this.#batch?.numbers.first ?? this.#queue.nextNumber;
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
    this.#batch = undefined;
    this.#unanswered.beginRun();
    this.#isBroken = false;
    this.#send();
  }

  #failIfStalled(): void {
    const { processor, patienceMs = 15_000 } = this.#options;
    const isStalled = performance.now() - this.#progressAt >= patienceMs;
    if (isStalled && this.#queue.length > 0) this.#fail(unavailable(processor));
  }

  #fail(failure: GatewayError): void {
    this.#failure ??= failure;
    this.#isBroken = true;
    this.#queue.rejectWaiter(failure);
  }
}
