import { closeSync, openSync, writeSync } from "node:fs";
import type { ProcessorApi } from "../../../libs/client/processor-api.ts";
import type { Ingestion, IngestionReport, Receipt } from "../../../libs/client/types/bulk.ts";
import type { UploadOptions } from "../../../libs/client/upload.ts";
import type { Input } from "../input/observations.ts";
import type { Progress } from "../terminal/bar.ts";
import { ProgressBar } from "../terminal/bar.ts";
import { usage } from "../terminal/cli-error.ts";
import type { Io } from "../terminal/io.ts";

const lookEveryMs = 1_000;

/** Follows an upload: its bar, and the file of its receipts. */
export class IngestProgress {
  /** How many lines are stored, as far as receipts or the report have told. */
  accepted = 0;
  readonly #io: Io;
  readonly #input: Input;
  readonly #processor: Pick<ProcessorApi, "ingestion" | "followIngestion">;
  readonly #bar: ProgressBar;
  readonly #receipts: number | undefined;
  readonly #startedAt = performance.now();
  #latest: Ingestion | undefined;
  #ingestion = "";
  #looking: NodeJS.Timeout | undefined;

  constructor(
    io: Io,
    input: Input,
    processor: Pick<ProcessorApi, "ingestion" | "followIngestion">,
    receiptsFile: string | undefined,
  ) {
    this.#io = io;
    this.#input = input;
    this.#processor = processor;
    this.#bar = new ProgressBar(io);
    this.#receipts = receiptsFile === undefined ? undefined : open(receiptsFile);
  }

  /** What the upload is to call. Receipts cost a little, so they are asked for only where somebody sees them. */
  get handlers(): Pick<UploadOptions, "onReceipts" | "onIngestion" | "onRetry"> {
    const isSeen = this.#io.err.isTerminal || this.#receipts !== undefined;
    return {
      onIngestion: (ingestion) => this.#begin(ingestion),
      onRetry: (error, pauseMs) => {
        this.#bar.end();
        this.#io.err.write(`${error.message}; goes on in ${Math.ceil(pauseMs / 1_000)} s\n`);
      },
      ...(isSeen && { onReceipts: (receipts: Receipt[]) => this.#take(receipts) }),
    };
  }

  /** Resolves once the last line is applied. */
  async untilApplied(
    { ingestion, accepted }: IngestionReport,
    signal: AbortSignal,
  ): Promise<Ingestion | undefined> {
    this.accepted = accepted;
    clearInterval(this.#looking);
    for await (const view of this.#processor.followIngestion(ingestion, { signal })) {
      this.#latest = view;
      this.#bar.show(() => this.#applying(view), view.state === "done");
    }
    return this.#latest;
  }

  end(): void {
    clearInterval(this.#looking);
    this.#bar.end();
  }

  close(): void {
    this.end();
    if (this.#receipts !== undefined) closeSync(this.#receipts);
  }

  #begin(ingestion: string): void {
    this.#ingestion = ingestion;
    this.accepted = 0;
    if (!this.#io.err.isTerminal || this.#looking) return;
    this.#looking = setInterval(() => {
      const looked = this.#processor.ingestion(this.#ingestion, { signal: this.#io.stopping });
      looked.then((view) => (this.#latest = view)).catch(() => {});
    }, lookEveryMs);
  }

  #take(receipts: readonly Receipt[]): void {
    this.accepted += receipts.filter((receipt) => "sequence" in receipt).length;
    if (this.#receipts !== undefined) {
      writeSync(this.#receipts, receipts.map((receipt) => `${JSON.stringify(receipt)}\n`).join(""));
    }
    this.#bar.show(() => this.#storing());
  }

  #storing(): Progress {
    const { bytes, readBytes } = this.#input;
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const share = bytes ? Math.min(1, readBytes / bytes) : undefined;
    return {
      share,
      accepted: this.accepted,
      applied: this.#latest?.applied ?? 0,
      rate: this.accepted / seconds,
      etaSeconds: share ? (seconds / share) * (1 - share) : undefined,
    };
  }

  #applying({ accepted, applied, failed, unknown, lost, rate, eta_seconds }: Ingestion): Progress {
    const passed = applied + failed + unknown + lost;
    return {
      share: accepted > 0 ? passed / accepted : 1,
      accepted,
      applied,
      rate,
      etaSeconds: eta_seconds ?? undefined,
    };
  }
}

function open(file: string): number {
  try {
    return openSync(file, "w");
  } catch (error) {
    throw usage(`${file} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}
