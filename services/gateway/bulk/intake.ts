import type { Subscription } from "@nats-io/transport-node";
import { nuid } from "@nats-io/transport-node";
import type { LogPublishing } from "../../../libs/commands/log/log-writer-options.ts";
import type { IngestionRecord } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { Backend } from "../fleet/backend.ts";
import { natsUnavailable } from "../fleet/errors.ts";
import { EarlierLines } from "./earlier-lines.ts";
import { IntakeRecord, takenElsewhere } from "./intake-record.ts";
import type { LineWriterOptions } from "./line-writer.ts";
import { LineWriter } from "./line-writer.ts";
import { answerAsOwner } from "./owner.ts";

export interface IntakeOptions extends Pick<LineWriterOptions, "trace" | "sender" | "receipts" | "share"> {
  backend: Backend;
  processor: string;
  ingestion: string;
  /** Whether the first line that is refused ends the intake. */
  stopOnError: boolean;
}

/**
 * Takes one request's observations into a processor's log.
 *
 * States: *resuming* (the request was sent before, so its lines are looked for among the stored ones),
 * *storing*, and *ended* by `finish` or `abandon`. Resuming ends with the first line that is not stored.
 *
 * Invariants: a line is counted when JetStream has acknowledged it, never before (A6). At most one gateway
 * takes an ingestion in: the one that the record names, which is its owner (owner.ts).
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #record: IntakeRecord;
  readonly #owner: Subscription;
  readonly #writer: LineWriter;
  /** Present while resuming. */
  #stored: EarlierLines | undefined;
  #refusal: GatewayError | undefined;

  private constructor(options: IntakeOptions, record: IntakeRecord, log: LogPublishing) {
    const { backend, trace, sender, receipts, share } = options;
    this.#options = options;
    this.#record = record;
    this.#owner = answerAsOwner(backend.nats.connection, record.current);
    this.#writer = new LineWriter({ backend, record, log, trace, sender, receipts, share });
    if (record.found) this.#stored = new EarlierLines(backend.logs, record.found);
  }

  /**
   * Begins. If the request was sent before, it goes on where that ended. Throws KEY_RUNNING if another intake
   * has the ingestion, or NATS_UNAVAILABLE.
   */
  static async open(options: IntakeOptions): Promise<Intake> {
    const { backend, processor, ingestion, sender } = options;
    try {
      const after = await backend.logs.last(processor);
      const log = await backend.logs.publishing(processor);
      await backend.room.ask(processor);
      const identity = { processor, ingestion, after, intake: nuid.next(), sender };
      const record = await IntakeRecord.open(backend, identity);
      return new Intake(options, record, log);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw natsUnavailable({ processor, effect: "none" }, error);
    }
  }

  /** Whether the request was sent before, and all of it stored. */
  get isReplay(): boolean {
    return this.#record.isReplay;
  }

  get record(): Readonly<IngestionRecord> {
    return this.#record.current;
  }

  /** Counts a blank line. */
  skip(line: number): void {
    this.#record.read(line);
  }

  /**
   * Takes a line's request. Returns a promise if the next line has to wait (back-pressure). Throws, or
   * rejects, if the intake cannot go on.
   */
  take(line: number, data: Uint8Array): Promise<void> | undefined {
    this.#check();
    this.#record.read(line);
    if (this.#stored) return this.#takeAgain(this.#stored, line, data);
    return this.#writer.add(line, data);
  }

  /** Counts a line that is refused. With `stopOnError` it throws, as do `take` and `finish` from then on. */
  refuse(line: number, reason: Error): void {
    this.#record.read(line);
    this.#writer.refused(line, reason.message);
    if (!this.#options.stopOnError) return;
    this.#refusal ??= new GatewayError("INVALID_INPUT", `line ${line}: ${reason.message}`, {
      errors: [{ field: `line ${line}`, detail: reason.message }],
    });
    throw this.#refusal;
  }

  /**
   * Resolves once everything is stored and the record says so. With `learnAtEnd` a Learn is stored after the
   * last line. Rejects with INVALID_INPUT if not one line was accepted.
   */
  async finish(learnAtEnd: boolean): Promise<void> {
    this.#check();
    await this.#writer.settle();
    if (this.#record.current.accepted === 0) throw this.#nothingAccepted();
    if (learnAtEnd) await this.#learn();
    else await this.#stored?.end(this.#record.current.lines);
    await this.#writer.settle();
    this.#check();
    await this.#record.end("complete");
  }

  /** Ends the intake early. Returns the error for the client, with what was stored until then. */
  async abandon(reason: unknown, state: "stopped" | "interrupted"): Promise<GatewayError> {
    await this.#writer.settle().catch(() => {});
    // Without NATS the record stays as it is. Whoever asks for the ingestion later completes it
    // (find-ingestion.ts).
    if (this.#options.backend.nats.connected) await this.#record.end(state).catch(() => {});
    const known = GatewayError.from(reason);
    const effectOfStored = this.#record.current.accepted > 0 ? "applied" : "none";
    const effect = known.context.effect ?? (this.#writer.isUncertain ? "unknown" : effectOfStored);
    const { processor } = this.#options;
    const context: ErrorContext = { ...known.context, processor, effect, more: this.#record.report() };
    return new GatewayError(known.code, known.message, context, { cause: known.cause });
  }

  /** What the client is told at the end. */
  report(): Record<string, unknown> {
    return this.#record.report();
  }

  async close(): Promise<void> {
    this.#owner.unsubscribe();
    this.#writer.close();
    this.#record.close();
    await this.#stored?.close();
  }

  #nothingAccepted(): GatewayError {
    const [first] = this.#record.current.rejected;
    const error = first
      ? { field: `line ${first.line}`, detail: first.detail }
      : { field: "body", detail: "has no observation" };
    const detail = `Not one observation was accepted. ${error.field}: ${error.detail}`;
    return new GatewayError("INVALID_INPUT", detail, { errors: [error] });
  }

  #check(): void {
    if (this.#refusal) throw this.#refusal;
    if (this.#record.isLost) throw takenElsewhere(this.#options.processor);
  }

  async #takeAgain(stored: EarlierLines, line: number, data: Uint8Array): Promise<void> {
    const sequence = await stored.find(line, data);
    if (sequence !== undefined) return this.#writer.stored(line, sequence);
    await this.#endResuming(stored);
    await this.#writer.add(line, data);
  }

  async #learn(): Promise<void> {
    const data = new Uint8Array();
    const sequence = await this.#stored?.find("learn", data);
    if (sequence !== undefined) {
      this.#writer.stored("learn", sequence);
      await this.#stored?.end(this.#record.current.lines);
      return;
    }
    if (this.#stored) await this.#endResuming(this.#stored);
    await this.#writer.add("learn", data);
  }

  async #endResuming(stored: EarlierLines): Promise<void> {
    await stored.close();
    this.#stored = undefined;
  }
}
