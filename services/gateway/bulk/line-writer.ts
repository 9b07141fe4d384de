import { LogWriter } from "../../../libs/commands/log/log-writer.ts";
import type { LogPublishing } from "../../../libs/commands/log/log-writer-options.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { lineCommandId } from "../../../libs/commands/outcomes/ingestion-lines.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { checkQueueLimits } from "../fleet/admission.ts";
import type { Backend } from "../fleet/backend.ts";
import type { Share } from "../http/memory-budget.ts";
import type { IntakeRecord } from "./intake-record.ts";
import type { ReceiptStream } from "./receipts.ts";
import { ReceiptOrder } from "./receipts.ts";

export interface LineWriterOptions {
  backend: Backend;
  record: IntakeRecord;
  /** How the processor's log takes many commands. */
  log: LogPublishing;
  /** The trace of the request. */
  trace: TraceContext | undefined;
  /** Who has sent the request. */
  sender: string;
  /** Gets a receipt for each line, in order; undefined if the client wants none. */
  receipts: ReceiptStream | undefined;
  /** What the lines take that are on their way to the log; undefined if that is not counted. */
  share?: Share | undefined;
}

const maxReceiptsWaiting = 4_096;

/**
 * Stores an intake's lines in the processor's log. Each line is counted in the record, and gets its receipt,
 * when JetStream has acknowledged it and never before (A6).
 */
export class LineWriter {
  readonly #options: LineWriterOptions;
  readonly #writer: LogWriter;
  readonly #receipts: ReceiptOrder | undefined;

  constructor(options: LineWriterOptions) {
    const { backend, record, log, receipts } = options;
    const { processor } = record.current;
    this.#options = options;
    if (receipts) this.#receipts = new ReceiptOrder(receipts);
    this.#writer = new LogWriter({
      connection: backend.nats.connection,
      session: () => backend.nats.session,
      inboxPrefix: backend.nats.inboxPrefix,
      processor,
      log,
      onStored: (command, sequence) => {
        backend.states.stored(processor, sequence);
        backend.room.stored(command);
        this.stored(lineOf(command), sequence);
        this.#count();
      },
    });
  }

  /** Gives the command of a line to the log's writer. Throws QUEUE_FULL, LOG_FULL or STORE_FULL. */
  add(line: number | "learn", data: Uint8Array): void {
    const { backend, record, trace, sender } = this.#options;
    const { processor, ingestion } = record.current;
    const method = line === "learn" ? "Learn" : "Observe";
    checkQueueLimits(backend, { processor }, processor, this.#writer.underWay);
    backend.room.check({ processor, method, data }, { processor }, this.#writer.bytes);
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
    this.#count();
  }

  /** Counts a line that is stored, perhaps since the request was sent before, and gives its receipt. */
  stored(line: number | "learn", sequence: number | null): void {
    const { record } = this.#options;
    if (line === "learn") {
      record.learned(sequence);
      this.#receipts?.settle(line, { learn_sequence: sequence });
    } else {
      record.stored(line, sequence);
      this.#receipts?.settle(line, { line, sequence });
    }
  }

  /** Counts a line that is refused, and gives its receipt. */
  refused(line: number, detail: string): void {
    this.#options.record.reject(line, detail);
    this.#receipts?.settle(line, { line, error: detail });
  }

  /** Returns a promise if the next line has to wait (back-pressure). It rejects as `settle` does. */
  room(): Promise<void> | undefined {
    if (this.#writer.isFull) return this.#writer.room();
    // A stream can wait, and other requests would be refused.
    if (this.#options.share?.isCrowded) return this.#writer.settle();
    return this.#receipts && this.#receipts.length >= maxReceiptsWaiting ? this.#writer.settle() : undefined;
  }

  /** Resolves once every line is stored. Rejects with LOG_FULL, STORE_FULL or NATS_UNAVAILABLE. */
  settle(): Promise<void> {
    return this.#writer.settle();
  }

  /** Whether a line may be stored whose acknowledgement did not come. */
  get isUncertain(): boolean {
    return this.#writer.isUncertain;
  }

  close(): void {
    this.#writer.close();
    this.#options.share?.release();
  }

  #count(): void {
    this.#options.share?.insist(this.#writer.bytes);
  }
}

/** The line that a command came from. Only the Learn at the end came from none. */
function lineOf({ id, ingestion = "", method }: Command): number | "learn" {
  return method === "Learn" ? "learn" : Number(id.slice(ingestion.length + 1));
}
