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

  /**
   * Gives the command of a line to the log's writer. Returns a promise if the next line has to wait (back-pressure).
   * Throws, or rejects, with QUEUE_FULL, LOG_FULL or STORE_FULL, or as `settle` does.
   */
  add(line: number | "learn", data: Uint8Array): Promise<void> | undefined {
    try {
      this.#checkLimits(line, data);
    } catch {
      return this.#addOnceSettled(line, data);
    }
    return this.#store(line, data);
  }

  /**
   * Looks again before a line is refused. A line that is stored but not yet acknowledged may have been counted twice:
   * in what the log has, and in what is on its way. And room may have come since.
   */
  async #addOnceSettled(line: number | "learn", data: Uint8Array): Promise<void> {
    const { backend, record } = this.#options;
    await this.#writer.settle();
    await backend.room.ask(record.current.processor);
    this.#checkLimits(line, data);
    await this.#store(line, data);
  }

  #checkLimits(line: number | "learn", data: Uint8Array): void {
    const { backend, record } = this.#options;
    const { processor } = record.current;
    const { underWay, bytes } = this.#writer;
    checkQueueLimits(backend, { processor }, processor, underWay);
    const command = { processor, method: methodOf(line), data };
    backend.room.check(command, { processor }, { commands: underWay, bytes });
  }

  #store(line: number | "learn", data: Uint8Array): Promise<void> | undefined {
    const { record, trace, sender } = this.#options;
    const { processor, ingestion } = record.current;
    const id = lineCommandId(ingestion, line);
    this.#receipts?.expect(line);
    this.#writer.add({ id, processor, method: methodOf(line), data, ingestion, trace, sender });
    this.#count();
    return this.#room();
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

  #room(): Promise<void> | undefined {
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

function methodOf(line: number | "learn"): "Learn" | "Observe" {
  return line === "learn" ? "Learn" : "Observe";
}

/** The line that a command came from. Only the Learn at the end came from none. */
function lineOf({ id, ingestion = "", method }: Command): number | "learn" {
  return method === "Learn" ? "learn" : Number(id.slice(ingestion.length + 1));
}
