import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { StoredLine } from "../../../libs/commands/outcomes/ingestion-lines.ts";
import { storedLines } from "../../../libs/commands/outcomes/ingestion-lines.ts";
import type { IngestionRecord } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { comparableRequest } from "../../../libs/kato/comparable-request.ts";

/**
 * The lines that were stored when a request was sent before. It finds each line of the repeated request among
 * them. It reads the log in step with the request, so it keeps neither in memory. After the first line that
 * is not stored no other is stored (A2).
 */
export class EarlierLines {
  readonly #record: Readonly<IngestionRecord>;
  readonly #lines: AsyncGenerator<StoredLine>;
  #next: StoredLine | undefined;
  #isAtEnd = false;

  /** `record` is as the request left it when it was sent before. */
  constructor(logs: Pick<CommandLogs, "last" | "readRange">, record: Readonly<IngestionRecord>) {
    this.#record = { ...record };
    this.#lines = storedLines(logs, record, record.after + 1);
  }

  /**
   * The sequence of a line that is stored: null if the log no longer has the command, undefined if the
   * line is not stored. Throws KEY_REUSED if something else is stored in its place.
   */
  async find(line: number | "learn", data: Uint8Array): Promise<number | null | undefined> {
    const next = await this.#peek();
    if (next?.line === line) {
      if (!isSame(data, next.data)) throw this.#differs();
      this.#next = undefined;
      return next.sequence;
    }
    const wasCounted = line === "learn" ? this.#record.learn_sequence !== null : line <= this.#record.line;
    if (wasCounted) return null;
    if (next || this.#record.state === "complete") throw this.#differs();
    return undefined;
  }

  /** Throws KEY_REUSED if more is stored than the request has. */
  async end(lines: number): Promise<void> {
    const { state, lines: before, line } = this.#record;
    if ((await this.#peek()) || lines < line || (state === "complete" && lines !== before)) {
      throw this.#differs();
    }
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  async #peek(): Promise<StoredLine | undefined> {
    if (!this.#next && !this.#isAtEnd) {
      const { value, done } = await this.#lines.next();
      if (done) this.#isAtEnd = true;
      else this.#next = value;
    }
    return this.#next;
  }

  #differs(): GatewayError {
    const { processor } = this.#record;
    return new GatewayError("KEY_REUSED", "This Idempotency-Key was used for another request.", {
      processor,
      effect: "none",
    });
  }
}

/** Whether two observations are the same. One whose keys come in another order is. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (Buffer.from(one).equals(other)) return true;
  const [a, b] = [comparableRequest("Observe", one), comparableRequest("Observe", other)];
  return a !== undefined && b !== undefined && Buffer.from(a).equals(b);
}
