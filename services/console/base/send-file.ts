import type { IngestionReport } from "../../../libs/client/types/bulk.ts";
import { isReached, Problem, problemOf, session } from "./api.ts";

export interface FileOptions {
  headers: Record<string, string>;
  /** Hears how many bytes are sent. */
  onProgress: (sentBytes: number) => void;
  signal: AbortSignal;
}

/**
 * Sends a file, which the browser reads while it sends it. Resolves to the gateway's report, once all of it is stored.
 * `fetch` does not tell how far it is.
 */
export function sendFile(path: string, file: File, options: FileOptions): Promise<IngestionReport> {
  const { headers, onProgress, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<IngestionReport>();
  const request = new XMLHttpRequest();
  request.open("POST", path);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.setRequestHeader("kato-console", "1");
  request.upload.onprogress = ({ loaded }) => onProgress(loaded);
  request.onload = () => {
    isReached.set(true);
    const { status, responseText } = request;
    if (status === 401) session.set(null);
    if (status === 202) resolve(JSON.parse(responseText));
    else reject(problemOf(status, responseText));
  };
  request.onerror = () => reject(new Problem("The connection broke.", 0));
  request.onabort = () => reject(new DOMException("It was given up.", "AbortError"));
  signal.addEventListener("abort", () => request.abort());
  request.send(file);
  return promise;
}
