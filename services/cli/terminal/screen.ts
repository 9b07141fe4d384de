import type { Io } from "./io.ts";

const alternate = { on: "\x1b[?1049h\x1b[?25l", off: "\x1b[?25h\x1b[?1049l" };

/** q, Ctrl-C, Ctrl-D and Escape. */
const leaving = ["q", "Q", "\x03", "\x04", "\x1b"];

/** A whole terminal that is drawn again and again. What stood there before comes back at the end. */
export class Screen {
  readonly #io: Io;
  readonly #closing = new AbortController();
  readonly #stopKeys: () => void;

  constructor(io: Io) {
    this.#io = io;
    io.out.write(alternate.on);
    // In raw mode Ctrl-C is a key as any other.
    this.#stopKeys = io.input.onKeys((keys) => {
      if (leaving.some((key) => keys.includes(key))) this.#closing.abort();
    });
    io.stopping.addEventListener("abort", () => this.#closing.abort(), { once: true });
  }

  /** Aborted when somebody wants to leave. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  draw(lines: readonly string[]): void {
    // Each line is cleared behind its end, and the rest below: clearing all first would flicker.
    this.#io.out.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
  }

  close(): void {
    this.#stopKeys();
    this.#io.out.write(alternate.off);
  }
}
