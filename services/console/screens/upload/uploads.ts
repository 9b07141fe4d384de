import type { IngestionReport } from "../../../../libs/client/types/bulk.ts";
import { isAborted, messageOf, Problem, pathOf, queryOf } from "../../base/api.ts";
import { observable } from "../../base/observable.ts";
import { sendFile } from "../../base/send-file.ts";
import type { BegunUpload } from "../../model/begun-uploads.ts";
import { findBegun } from "../../model/begun-uploads.ts";
import { forget, readBegun, remember } from "./remembered.ts";

/** How an upload stands. */
export type UploadState =
  | { is: "sending"; sentBytes: number }
  /** The connection broke, or the gateway cannot take more now: it is sent again by itself. */
  | { is: "waiting"; why: string }
  | { is: "stored"; report: IngestionReport }
  | { is: "ended"; why: string; report: Partial<IngestionReport>; canGoOn: boolean };

export interface Upload {
  file: File;
  options: UploadOptions;
  state: UploadState;
  /** Stops it. What is stored by then stays. */
  stop: () => void;
}

export interface UploadOptions {
  learnAtEnd: boolean;
  stopOnError: boolean;
}

/** The latest upload to each processor. It goes on while another screen is shown. */
export const uploads = observable<ReadonlyMap<string, Upload>>(new Map());

const longestPauseMs = 15_000;

const factsOf = (processor: string, { name, size, lastModified }: File) => ({
  ...{ processor, name, size, lastModified },
});

/** The sending of a file of this name that was begun and did not end. */
export const begunUploadOf = (processor: string, file: File): BegunUpload | undefined =>
  findBegun(readBegun(), factsOf(processor, file));

/**
 * Sends a file of observations, and sends it again after a break until all of it is stored. It has an Idempotency-Key,
 * so nothing is stored twice; and the browser remembers the key, so that it can go on after the page was closed.
 */
export function startUpload(processor: string, file: File, options: UploadOptions): void {
  const facts = factsOf(processor, file);
  const known = findBegun(readBegun(), facts);
  const begun = { ...facts, key: known?.key ?? newKey(), begunAtMs: known?.begunAtMs ?? Date.now() };
  remember(begun);
  const stopping = new AbortController();
  const set = (state: UploadState) => {
    const upload: Upload = { file, options, state, stop: () => stopping.abort() };
    uploads.set(new Map(uploads.get()).set(processor, upload));
  };
  void run(begun, file, options, stopping.signal, set);
}

/** Takes an upload that has ended off the screen. */
export function clearUpload(processor: string): void {
  const others = new Map(uploads.get());
  others.delete(processor);
  uploads.set(others);
}

/** The next sending of this file is a new one: what was stored of it counts for nothing. */
export function forgetUpload(processor: string, file: File): void {
  const begun = findBegun(readBegun(), factsOf(processor, file));
  if (begun) forget(begun);
}

async function run(
  begun: BegunUpload,
  file: File,
  { learnAtEnd, stopOnError }: UploadOptions,
  signal: AbortSignal,
  set: (state: UploadState) => void,
): Promise<void> {
  const query = queryOf({
    learn: learnAtEnd ? "end" : undefined,
    on_error: stopOnError ? "stop" : undefined,
  });
  const path = `${pathOf(begun.processor, "observations")}${query}`;
  const headers = { "content-type": "application/x-ndjson", "idempotency-key": begun.key };
  for (let failures = 0; ; failures++) {
    set({ is: "sending", sentBytes: 0 });
    try {
      const onProgress = (sentBytes: number) => {
        if (!signal.aborted) set({ is: "sending", sentBytes });
      };
      const report = await sendFile(path, file, { headers, onProgress, signal });
      forget(begun);
      return set({ is: "stored", report });
    } catch (error) {
      const { status = 0, refusal = {} } = error instanceof Problem ? error : {};
      const isRetryable = status === 0 || refusal.retryable === true;
      if (isAborted(error)) return set({ is: "ended", why: "Stopped.", report: refusal, canGoOn: true });
      if (!isRetryable) {
        const [refused] = refusal.rejected ?? [];
        if (stopOnError && refused && (refusal.accepted ?? 0) > 0)
          remember({ ...begun, stoppedAtLine: refused.line });
        else if (status === 422) forget(begun);
        return set({ is: "ended", why: messageOf(error), report: refusal, canGoOn: status !== 422 });
      }
      set({ is: "waiting", why: messageOf(error) });
      await pause(Math.min(1_000 * 2 ** failures, longestPauseMs), signal);
      if (signal.aborted) return set({ is: "ended", why: "Stopped.", report: refusal, canGoOn: true });
    }
  }
}

/** Resolves early when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/** `crypto.randomUUID` is there only where the page came over TLS or from this machine. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
