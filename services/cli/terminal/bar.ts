import type { Io } from "./io.ts";
import { cut } from "./table.ts";
import { countOf, durationOf } from "./time.ts";

/** How far an ingestion is. */
export interface Progress {
  /** From 0 to 1; undefined where nobody knows. */
  share: number | undefined;
  accepted: number;
  applied: number;
  /** Per second. */
  rate: number;
  etaSeconds: number | undefined;
}

const barWidth = 24;
const pauseMs = 100;

/** A line on stderr that is written over and over. On what is no terminal there is none. */
export class ProgressBar {
  readonly #io: Io;
  #shownAt = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Shows it, unless it was shown a moment ago. */
  show(progress: () => Progress, isLast = false): void {
    const { err } = this.#io;
    const now = performance.now();
    if (!err.isTerminal || (!isLast && now - this.#shownAt < pauseMs)) return;
    this.#shownAt = now;
    this.#isShown = true;
    err.write(`\r\x1b[2K${cut(lineOf(progress()), err.columns - 1)}`);
  }

  /** Ends the line, so that what follows stands on one of its own. */
  end(): void {
    if (this.#isShown) this.#io.err.write("\n");
    this.#isShown = false;
  }
}

export function lineOf({ share, accepted, applied, rate, etaSeconds }: Progress): string {
  const full = Math.round((share ?? 0) * barWidth);
  const bar =
    share === undefined ? "" : `[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${percentOf(share)}  `;
  const eta = etaSeconds === undefined ? "" : `  ETA ${durationOf(etaSeconds)}`;
  return `${bar}${countOf(accepted)} accepted  ${countOf(applied)} applied  ${countOf(rate)}/s${eta}`;
}

function percentOf(share: number): string {
  return `${Math.floor(share * 100)}%`.padStart(4);
}
