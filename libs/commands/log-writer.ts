import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import type { GatewayError } from "../errors/gateway-error.ts";
import type { Command } from "./command.ts";
import { headersOfCommand } from "./command.ts";
import { commandSubject } from "./names.ts";
import type { PublishAnswer } from "./publish-answer.ts";
import { isOutOfOrder, readPublishAnswer, refusalOfAnswer, unavailable } from "./publish-answer.ts";

export interface LogWriterOptions {
  connection: NatsConnection;
  /** The number of the connection that stands, 0 for none: then nothing is published, as it would wait in memory. */
  session: () => number;
  processor: string;
  /** Whether several may be under way at a time; not where the log is replicated (CommandLogs.isReplicated). Default true. */
  pipelined?: boolean;
  /** Called once for each command, in the order they were added, as soon as JetStream has acknowledged it (A6). */
  onStored: (command: Command, sequence: number) => void;
  /** How long it goes on without any acknowledgement before it fails. */
  patienceMs?: number;
}

interface Entry extends PublishAnswer {
  command: Command;
  /** When it was first sent, 0 for never. */
  sentAt: number;
  /** One of its sendings got no answer in its time: it may be stored, whatever the answers to later ones say. */
  wasUnanswered?: boolean;
}

const maxEntries = 512;
const maxBytes = 8 * 1024 * 1024;
const minWindow = 8;
const answerLimitMs = 2_000;
const tickMs = 50;
/** JetStream knows a message id for two minutes; a copy that may be slow on its way has the rest of them to arrive. */
const resendLimitMs = 60_000;

/**
 * Stores commands in the order they are added, many under way at a time.
 *
 * A command is sent either when every one before it is acknowledged, or with the condition that the log ends with the one
 * before it (`Nats-Expected-Last-Msg-Id`). So whatever is lost, refused or slow on the way, nothing is stored before what
 * was added before it (A2); and as it is sent again under its own id only, nothing is stored twice.
 *
 * States: *flowing*; *broken* (one in flight was refused or not answered, so those behind it will be refused too: nothing is sent
 * until all of them are answered or given up, then it flows again from the first that is not stored); *failed*, for good.
 * Somebody else's command between two of these breaks the flow too: then fewer are sent ahead. Where it is not pipelined, one
 * is under way at a time, and nothing is sent with a condition.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #patienceMs: number;
  readonly #inbox = createInbox();
  readonly #replies: Subscription;
  readonly #timer: NodeJS.Timeout;
  /** Those not known to be stored, by their number: `#head` the first of them, `#sent` the first not sent in this run. */
  readonly #entries = new Map<number, Entry>();
  #head = 0;
  #sent = 0;
  #tail = 0;
  #bytes = 0;
  /** A run is the sendings between two breaks; `#open` of its messages are not answered. */
  #run = 0;
  #open = 0;
  /** What they were sent over. */
  #session = 0;
  readonly #maxWindow: number;
  #window: number;
  #isBroken = false;
  #failure: GatewayError | undefined;
  #answeredAt = 0;
  #progressAt = 0;
  #waiting: { until: number; promise: PromiseWithResolvers<void> } | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? 15_000;
    this.#maxWindow = options.pipelined === false ? 1 : maxEntries;
    this.#window = this.#maxWindow;
    this.#replies = options.connection.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Takes a command. While `isFull`, wait for `room` before the next. */
  add(command: Command): void {
    if (this.#head === this.#tail) this.#progressAt = performance.now();
    this.#entries.set(this.#tail++, { command, sentAt: 0 });
    this.#bytes += command.data.length;
    this.#pump();
  }

  /** Commands that are not known to be stored. */
  get underWay(): number {
    return this.#tail - this.#head;
  }

  get isFull(): boolean {
    return this.#failure !== undefined || this.underWay >= maxEntries || this.#bytes >= maxBytes;
  }

  /** Resolves once half of what is under way is stored; rejects, as `settle` does. */
  room(): Promise<void> {
    return this.#until(Math.floor((this.#tail - this.#head) / 2));
  }

  /**
   * Resolves once everything is stored. Rejects with LOG_FULL when the log takes no more, and then nothing else was stored than
   * what `onStored` was told; or with NATS_UNAVAILABLE.
   */
  settle(): Promise<void> {
    return this.#until(0);
  }

  /** Whether something is under way that may be stored although nobody was told. */
  get isUncertain(): boolean {
    for (const { sentAt, error, wasUnanswered } of this.#entries.values()) {
      if (sentAt > 0 && (!error || wasUnanswered)) return true;
    }
    return false;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#replies.unsubscribe();
  }

  async #until(left: number): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#tail - this.#head <= left) return;
    this.#waiting = { until: left, promise: Promise.withResolvers() };
    await this.#waiting.promise.promise;
  }

  /** Sends what the window lets through. */
  #pump(): void {
    const { connection, processor, session } = this.#options;
    if (this.#isBroken || session() === 0) return;
    while (this.#sent < this.#tail && this.#sent - this.#head < this.#window) {
      const entry = this.#entries.get(this.#sent);
      if (!entry) return;
      const now = performance.now();
      if (this.#open === 0) {
        this.#answeredAt = now;
        this.#session = session();
      }
      entry.sentAt ||= now;
      if (now - entry.sentAt > resendLimitMs) {
        this.#fail(unavailable(processor));
        return;
      }
      const headers = headersOfCommand(entry.command);
      const before = this.#sent > this.#head ? this.#entries.get(this.#sent - 1) : undefined;
      if (before) headers.set("Nats-Expected-Last-Msg-Id", before.command.id);
      const reply = `${this.#inbox}.${this.#run}.${this.#sent}`;
      this.#sent++;
      this.#open++;
      try {
        connection.publish(commandSubject(processor), entry.command.data, { headers, reply });
      } catch {
        // Closed for good, or to a server that takes less than was checked for.
        this.#fail(unavailable(processor));
        return;
      }
    }
  }

  #take(message: Msg): void {
    const [run, number] = message.subject.split(".").slice(-2).map(Number);
    const entry = this.#entries.get(number ?? -1);
    const answer = readPublishAnswer(message);
    const isOfThisRun = run === this.#run;
    if (isOfThisRun) {
      this.#open--;
      this.#answeredAt = performance.now();
    }
    // A late acknowledgement counts, a late refusal says nothing: it was sent again since.
    if (entry && answer.sequence !== undefined) entry.sequence = answer.sequence;
    else if (entry && isOfThisRun && answer.error) {
      entry.error = answer.error;
      this.#isBroken = true;
    }
    this.#advance();
    if (!this.#isBroken) this.#pump();
    // Anything but somebody else's command in between is given the time until the next tick.
    else if (this.#open === 0 && isOutOfOrder(this.#entries.get(this.#head))) this.#restart();
  }

  /** Passes the stored ones at the head. */
  #advance(): void {
    for (;;) {
      const entry = this.#entries.get(this.#head);
      if (entry?.sequence === undefined) break;
      this.#entries.delete(this.#head++);
      this.#sent = Math.max(this.#sent, this.#head);
      this.#bytes -= entry.command.data.length;
      this.#progressAt = performance.now();
      if (this.#window < this.#maxWindow) this.#window++;
      this.#options.onStored(entry.command, entry.sequence);
    }
    this.#wake();
  }

  #wake(): void {
    if (!this.#waiting || this.#tail - this.#head > this.#waiting.until) return;
    this.#waiting.promise.resolve();
    this.#waiting = undefined;
  }

  #tick(): void {
    if (this.#failure || this.#head === this.#tail) return;
    const isSilent = performance.now() - this.#answeredAt > answerLimitMs;
    if (this.#open > 0 && (isSilent || this.#options.session() !== this.#session)) {
      this.#isBroken = true;
      this.#open = 0;
      for (let number = this.#head; number < this.#sent; number++) {
        const entry = this.#entries.get(number);
        if (entry && entry.sequence === undefined && !entry.error) entry.wasUnanswered = true;
      }
    }
    if (this.#isBroken && this.#open === 0) this.#restart();
    else if (!this.#isBroken) {
      this.#pump();
      this.#giveUpInTime();
    }
  }

  /** Flows again from the first that is not stored, where there is hope. */
  #restart(): void {
    const { processor, session } = this.#options;
    const head = this.#entries.get(this.#head);
    const refusal = refusalOfAnswer(head, processor);
    if (refusal) this.#fail(refusal);
    this.#giveUpInTime();
    if (this.#failure || session() === 0) return;
    if (isOutOfOrder(head)) this.#window = Math.min(this.#maxWindow, Math.max(minWindow, this.#window >> 1));
    for (let number = this.#head; number < this.#sent; number++) delete this.#entries.get(number)?.error;
    this.#run++;
    this.#open = 0;
    this.#sent = this.#head;
    this.#isBroken = false;
    this.#wake();
    this.#pump();
  }

  #giveUpInTime(): void {
    if (this.#head === this.#tail || performance.now() - this.#progressAt < this.#patienceMs) return;
    this.#fail(unavailable(this.#options.processor));
  }

  #fail(failure: GatewayError): void {
    this.#failure ??= failure;
    this.#isBroken = true;
    this.#waiting?.promise.reject(failure);
    this.#waiting = undefined;
  }
}
