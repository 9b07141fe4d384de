import type { Subscription } from "@nats-io/transport-node";
import { nuid } from "@nats-io/transport-node";
import type { Command } from "../../../libs/commands/command.ts";
import type { IngestionRecord } from "../../../libs/commands/ingestion.ts";
import { lineCommandId } from "../../../libs/commands/ingestion.ts";
import { LogWriter } from "../../../libs/commands/log-writer.ts";
import { ingestionSubject } from "../../../libs/commands/names.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { isNoResponders } from "../../../libs/nats/no-responders.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { refuseFull } from "../fleet/admission.ts";
import { natsAway } from "../fleet/refusals.ts";
import type { Backend } from "../open-backend.ts";
import { IntakeRecord, underWay } from "./intake-record.ts";
import type { Receipt } from "./receipts.ts";
import { ReceiptOrder } from "./receipts.ts";
import { StoredLines } from "./stored-lines.ts";

export interface IntakeOptions {
  backend: Backend;
  processor: string;
  ingestion: string;
  /** Ends with the first line that is refused. */
  stopOnError: boolean;
  /** The trace of the request. */
  trace: TraceContext | undefined;
  /** Who has sent it. */
  sender: string;
  /** Called for each line, in order, once it is stored or refused. */
  onReceipt?: (receipt: Receipt) => void;
}

const ownerTimeoutMs = 1_000;
const maxReceiptsWaiting = 4_096;

/**
 * One request's observations on their way into a processor's log.
 *
 * States: *resuming* (the request was sent before: its lines are looked for among the stored ones), *storing*, and *ended* by
 * `finish` or `abandon`. Resuming ends with the first line that is not stored.
 *
 * Invariants: a line is counted when JetStream has acknowledged it, never before (A6); at most one gateway takes in an ingestion,
 * the one whose name its record has, and that one answers on the ingestion's subject.
 */
export class Intake {
  readonly isReplay: boolean;
  readonly #options: IntakeOptions;
  readonly #record: IntakeRecord;
  readonly #owner: Subscription;
  readonly #writer: LogWriter;
  readonly #receipts: ReceiptOrder | undefined;
  #stored: StoredLines | undefined;
  #refusal: GatewayError | undefined;

  private constructor(
    options: IntakeOptions,
    record: IntakeRecord,
    owner: Subscription,
    isReplicated: boolean,
  ) {
    const { backend, processor, onReceipt } = options;
    this.#options = options;
    this.#record = record;
    this.#owner = owner;
    this.isReplay = record.found?.state === "complete";
    if (record.found) this.#stored = new StoredLines(backend.logs, record.found);
    if (onReceipt) this.#receipts = new ReceiptOrder(onReceipt);
    this.#writer = new LogWriter({
      connection: backend.nats.connection,
      session: () => backend.nats.session,
      processor,
      pipelined: !isReplicated,
      onStored: (command, sequence) => {
        backend.states.stored(processor, sequence);
        this.#onStored(lineOf(command), sequence);
      },
    });
  }

  /** Begins, or goes on with what an earlier sending has left. Throws KEY_RUNNING where another takes it in. */
  static async open(options: IntakeOptions): Promise<Intake> {
    try {
      return await Intake.#open(options);
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      throw natsAway({ processor: options.processor, effect: "none" }, error);
    }
  }

  static async #open(options: IntakeOptions): Promise<Intake> {
    const { backend, processor, ingestion } = options;
    const { connection } = backend.nats;
    const after = await backend.logs.last(processor);
    const isReplicated = await backend.logs.isReplicated(processor);
    const subject = ingestionSubject(processor, ingestion);
    const opened = await IntakeRecord.open(
      backend.ingestions,
      { processor, ingestion, after, intake: nuid.next() },
      () => isOwned(backend, subject),
    );
    const owner = connection.subscribe(subject, {
      callback: (_error, message) => void message.respond(JSON.stringify(opened.current)),
    });
    return new Intake(options, opened, owner, isReplicated);
  }

  /** What is known of it now. */
  get record(): Readonly<IngestionRecord> {
    return this.#record.current;
  }

  /** Counts a blank line. */
  skip(line: number): void {
    this.#record.read(line);
  }

  /**
   * Takes a line's request. Where a promise is returned the next line has to wait for it: that is the back-pressure. Throws, or
   * rejects, when it cannot go on.
   */
  take(line: number, data: Uint8Array): Promise<void> | undefined {
    this.#check();
    this.#record.read(line);
    if (this.#stored) return this.#takeAgain(this.#stored, line, data);
    this.#add(line, "Observe", data);
    return this.#room();
  }

  /** Takes note of a line that is left out; with `stopOnError` the next `take`, and `finish`, throw. */
  refuse(line: number, reason: Error): void {
    this.#record.read(line);
    this.#record.reject(line, reason.message);
    this.#receipts?.settle(line, { line, error: reason.message });
    if (!this.#options.stopOnError) return;
    this.#refusal ??= new GatewayError("INVALID_INPUT", `line ${line}: ${reason.message}`, {
      errors: [{ field: `line ${line}`, detail: reason.message }],
    });
    throw this.#refusal;
  }

  /** Resolves once everything is stored, a Learn behind it where one is wanted, and the record says so. */
  async finish(learnAtEnd: boolean): Promise<void> {
    this.#check();
    if (learnAtEnd) await this.#learn();
    else await this.#stored?.end(this.#record.current.lines);
    await this.#writer.settle();
    this.#check();
    await this.#record.end("complete");
  }

  /** Ends it early: settles what can be settled, and gives the error with what was stored until then. */
  async abandon(reason: unknown, state: "stopped" | "interrupted"): Promise<GatewayError> {
    await this.#writer.settle().catch(() => {});
    // Where NATS is away the record is left as it is, for whoever asks for it first to settle.
    if (this.#options.backend.nats.connected) await this.#record.end(state).catch(() => {});
    const known = GatewayError.from(reason);
    const ofStored = this.#record.current.accepted > 0 ? "applied" : "none";
    const effect = known.context.effect ?? (this.#writer.isUncertain ? "unknown" : ofStored);
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

  #check(): void {
    if (this.#refusal) throw this.#refusal;
    if (this.#record.isLost) throw underWay(this.#options.processor);
  }

  #room(): Promise<void> | undefined {
    if (this.#writer.isFull) return this.#writer.room();
    return this.#receipts && this.#receipts.length >= maxReceiptsWaiting ? this.#writer.settle() : undefined;
  }

  #add(line: number | "learn", method: string, data: Uint8Array): void {
    const { backend, processor, ingestion, trace, sender } = this.#options;
    refuseFull(backend, { processor }, processor, this.#writer.underWay);
    this.#receipts?.expect(line);
    this.#writer.add({
      id: lineCommandId(ingestion, line),
      processor,
      method,
      data,
      ingestion,
      trace,
      sender,
    });
  }

  async #takeAgain(stored: StoredLines, line: number, data: Uint8Array): Promise<void> {
    const sequence = await stored.find(line, data);
    if (sequence !== undefined) return this.#onStored(line, sequence);
    await this.#endResuming(stored);
    this.#add(line, "Observe", data);
    await this.#room();
  }

  async #learn(): Promise<void> {
    const data = new Uint8Array();
    const sequence = await this.#stored?.find("learn", data);
    if (sequence !== undefined) {
      this.#onStored("learn", sequence);
      await this.#stored?.end(this.#record.current.lines);
      return;
    }
    if (this.#stored) await this.#endResuming(this.#stored);
    this.#add("learn", "Learn", data);
  }

  async #endResuming(stored: StoredLines): Promise<void> {
    await stored.close();
    this.#stored = undefined;
  }

  #onStored(line: number | "learn", sequence: number | null): void {
    if (line === "learn") {
      this.#record.learned(sequence);
      this.#receipts?.settle(line, { learn_sequence: sequence });
    } else {
      this.#record.stored(line, sequence);
      this.#receipts?.settle(line, { line, sequence });
    }
  }
}

/** The line that a command came of; only a Learn has none. */
function lineOf({ id, ingestion = "", method }: Command): number | "learn" {
  return method === "Learn" ? "learn" : Number(id.slice(ingestion.length + 1));
}

/** Whether a gateway takes this ingestion in; one that does not answer may. */
async function isOwned(backend: Backend, subject: string): Promise<boolean> {
  try {
    await backend.nats.connection.request(subject, "", { timeout: ownerTimeoutMs });
    return true;
  } catch (error) {
    return !isNoResponders(error);
  }
}
