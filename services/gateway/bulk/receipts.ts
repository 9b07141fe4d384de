import { once } from "node:events";
import { PassThrough } from "node:stream";

/** What a client is told of one line; the Learn at the end has no line. */
export type Receipt =
  | { line: number; sequence: number | null }
  | { line: number; error: string; retryable?: boolean }
  | { learn_sequence: number | null };

/** Receipts on their way to a client, a line each, many in one write. */
export class ReceiptStream {
  readonly body = new PassThrough();
  #text = "";
  #flushing: NodeJS.Immediate | undefined;

  constructor() {
    // A client that goes away is noticed by its request.
    this.body.on("error", () => {});
  }

  add(receipt: Receipt): void {
    this.#text += `${JSON.stringify(receipt)}\n`;
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  /** Resolves once the client has read enough of them, or is gone. */
  async drained(): Promise<void> {
    if (this.body.writableNeedDrain && !this.body.destroyed) {
      await Promise.race([once(this.body, "drain"), once(this.body, "close")]);
    }
  }

  end(): void {
    this.#flush();
    this.body.end();
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#text !== "" && !this.body.destroyed) this.body.write(this.#text);
    this.#text = "";
  }
}

type Waiting = { line: number | "learn"; receipt?: Receipt };

/** Gives receipts in the order of their lines, although some are known at once and others when the line is stored. */
export class ReceiptOrder {
  readonly #waiting: Waiting[] = [];
  readonly #give: (receipt: Receipt) => void;

  constructor(give: (receipt: Receipt) => void) {
    this.#give = give;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** A line whose receipt is not known yet. */
  expect(line: number | "learn"): void {
    this.#waiting.push({ line });
  }

  /** The receipt of the first line that was expected and has none, or of one that was not. */
  settle(line: number | "learn", receipt: Receipt): void {
    const expected = this.#waiting.find((waiting) => !waiting.receipt);
    if (expected?.line === line) expected.receipt = receipt;
    else this.#waiting.push({ line, receipt });
    while (this.#waiting[0]?.receipt) {
      this.#give(this.#waiting[0].receipt);
      this.#waiting.shift();
    }
  }
}
