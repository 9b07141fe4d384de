import type { RequestBody } from "./fetch.ts";
import { linesOf } from "./fetch.ts";
import { KatoError } from "./kato-error.ts";
import type { Call, Transport } from "./transport.ts";
import { mayRepeat, pauseBefore, sleep } from "./transport.ts";
import type { Ingestion, IngestionReport, Receipt } from "./types/bulk.ts";

/** Gives all the lines from the first on, each time that it is called. */
export type UploadSource = () => RequestBody;

export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** With a key the upload goes on where it stopped, after a broken connection or a 429. Nothing is stored twice. */
  idempotencyKey?: string | undefined;
  /** A Learn after the last line. */
  learnAtEnd?: boolean;
  /** The first line that is refused ends it. */
  stopOnError?: boolean;
  /** Called with what became of lines, in their order, as soon as they are stored. Each sending begins with line 1. */
  onReceipts?: (receipts: Receipt[]) => void;
  /** Called with the ingestion's id: at once where there are receipts, else at the end. */
  onIngestion?: (ingestion: string) => void;
  /** Called before the upload is sent again. */
  onRetry?: (error: KatoError, pauseMs: number) => void;
}

/** How often an upload that makes no progress is sent. One that goes on is sent any number of times. */
const maxFailures = 8;
const longestPauseMs = 60_000;

/**
 * Stores any number of observations, NDJSON, in one request that is sent while its lines are made. Resolves once the
 * last is stored. What was refused is in the report.
 */
export async function upload(
  transport: Transport,
  processor: string,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<IngestionReport> {
  let failures = 0;
  let reached = 0;
  for (;;) {
    const failure: { reason?: unknown } = {};
    const call = callOf(processor, () => noting(source(), failure), options);
    try {
      return await sendOnce(transport, processor, call, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      // To the connection it looks as if it had broken.
      if ("reason" in failure) throw failure.reason;
      if (!(error instanceof KatoError) || !mayRepeat(error, call)) throw error;
      const { accepted = 0 } = error.problem;
      failures = accepted > reached ? 1 : failures + 1;
      reached = Math.max(reached, accepted);
      const pauseMs = pauseBefore(error, failures);
      if (failures >= maxFailures || pauseMs > longestPauseMs) throw error;
      options.onRetry?.(error, pauseMs);
      await sleep(pauseMs, options.signal);
    }
  }
}

/** Takes note why the lines could not be made. */
function noting(body: RequestBody, failure: { reason?: unknown }): RequestBody {
  if (typeof body === "string") return body;
  return (async function* () {
    try {
      yield* body;
    } catch (reason) {
      failure.reason = reason;
      throw reason;
    }
  })();
}

function callOf(processor: string, source: UploadSource, options: UploadOptions): Call {
  const { signal, idempotencyKey } = options;
  return {
    method: "POST",
    path: `/${encodeURIComponent(processor)}/observations`,
    query: {
      learn: options.learnAtEnd ? "end" : undefined,
      on_error: options.stopOnError ? "stop" : undefined,
    },
    body: source,
    headers: {
      "content-type": "application/x-ndjson",
      accept: options.onReceipts ? "application/x-ndjson" : "application/json",
    },
    repeatable: "under-key",
    endless: true,
    options: { signal, idempotencyKey },
  };
}

async function sendOnce(
  transport: Transport,
  processor: string,
  call: Call,
  { onReceipts, onIngestion, signal }: UploadOptions,
): Promise<IngestionReport> {
  const answer = await transport.open(call);
  const ingestion = answer.headers.get("kato-ingestion") ?? "";
  onIngestion?.(ingestion);
  if (!onReceipts) {
    let text = "";
    for await (const lines of transport.reading(linesOf(answer), call)) text += lines.join("\n");
    return JSON.parse(text);
  }
  let last: Receipt | undefined;
  for await (const lines of transport.reading(linesOf(answer), call)) {
    const receipts = lines.filter((line) => line !== "").map((line): Receipt => JSON.parse(line));
    last = receipts.at(-1) ?? last;
    onReceipts(receipts);
  }
  const path = `/${encodeURIComponent(processor)}/ingestions/${encodeURIComponent(ingestion)}`;
  const stored = await transport.json<Ingestion>({
    method: "GET",
    path,
    repeatable: "always",
    options: { signal },
  });
  if (stored.intake !== "complete") throw endedEarly(stored, last);
  return reportOf(stored);
}

/** The error of an upload whose answer had begun, so that its status could not tell. */
function endedEarly(stored: Ingestion, last: Receipt | undefined): KatoError {
  const [first] = stored.rejected;
  const refused = first ? `line ${first.line}: ${first.detail}` : "not one observation was accepted";
  const isRefusal = stored.intake === "stopped";
  const told = last && "error" in last ? last.error : "the gateway did not take all of it";
  return new KatoError(isRefusal ? "INVALID_INPUT" : "INTERRUPTED", {
    problem: { ...reportOf(stored), processor: stored.processor },
    status: isRefusal ? 422 : 503,
    detail: isRefusal ? refused : told,
    effect: stored.accepted > 0 ? "applied" : "none",
    retryable: !isRefusal && !(last && "retryable" in last && last.retryable === false),
  });
}

function reportOf(stored: Ingestion): IngestionReport {
  const { ingestion, accepted, first_sequence, last_sequence, learn_sequence, rejected, rejected_count } =
    stored;
  return {
    ingestion,
    accepted,
    first_sequence,
    last_sequence,
    ...(learn_sequence !== undefined && { learn_sequence }),
    rejected,
    ...(rejected_count !== undefined && { rejected_count }),
  };
}
