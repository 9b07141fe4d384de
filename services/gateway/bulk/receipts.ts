import { once } from "node:events";
import { PassThrough } from "node:stream";

/** What a client is told of one line. The Learn at the end has no line. */
export type Receipt =
  | { line: number; sequence: number | null }
  | { line: number; error: string; retryable?: boolean }
  | { learn_sequence: number | null };

/**
 * The body of an answer that consists of receipts: NDJSON, with one receipt in each line. Receipts that come
 * close together are sent in one write.
 */
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

  /** Resolves once the client has read enough of them, or has gone. */
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

type Expected = { line: number | "learn"; receipt?: Receipt };

/**
 * Gives receipts in the order of their lines. Some are known at once, others when JetStream has stored the
 * line.
 */
export class ReceiptOrder {
  readonly #expected: Expected[] = [];
  readonly #stream: Pick<ReceiptStream, "add">;

  constructor(stream: Pick<ReceiptStream, "add">) {
    this.#stream = stream;
  }

  /** How many receipts are not given yet. */
  get length(): number {
    return this.#expected.length;
  }

  /**
   * Announces a line whose receipt comes later. Lines are stored in the order in which they are announced.
   */
  expect(line: number | "learn"): void {
    this.#expected.push({ line });
  }

  /** Takes the receipt of the first announced line that has none, or of a line that was not announced. */
  settle(line: number | "learn", receipt: Receipt): void {
    const first = this.#expected.find((expected) => !expected.receipt);
    if (first?.line === line) first.receipt = receipt;
    else this.#expected.push({ line, receipt });
    while (this.#expected[0]?.receipt) {
      this.#stream.add(this.#expected[0].receipt);
      this.#expected.shift();
    }
  }
}
