import type { CommandLogs } from "../../../libs/commands/log/command-logs.ts";

/** What is known of one log. Times are those of `performance.now`. */
interface Known {
  bytes: number;
  /** The log's limit; Infinity without one. */
  maxBytes: number;
  /** What this gateway has stored since the log was asked for its size. */
  written: number;
  askedAt: number;
}

/**
 * Commands that free room are still stored in this last share of a log: after a Learn, or a clear, a rebuild
 * no longer needs what came before.
 */
const lastShare = 0.05;
const idleMs = 60_000;
const nearMs = 1_000;
const nearShare = 0.8;
const writtenShare = 1 / 16;

/**
 * How large the logs are that this gateway stores commands in. A log is asked for its size now and then, and
 * more often when it is nearly full. So a log may become larger than its limit by a sixteenth for each
 * gateway, unless JetStream holds it to the limit, too.
 */
export class LogSizes {
  readonly #logs: Pick<CommandLogs, "size">;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(logs: Pick<CommandLogs, "size">) {
    this.#logs = logs;
  }

  /**
   * Whether the log has no room for so many more bytes. A log whose size is not known yet counts as having
   * room.
   */
  isFull(processor: string, bytes: number): boolean {
    const known = this.#known.get(processor);
    if (!known) {
      void this.#askUnlessUnderWay(processor);
      return false;
    }
    const limit = known.maxBytes * (1 - lastShare);
    if (isDue(known, limit)) void this.#askUnlessUnderWay(processor);
    return known.bytes + known.written + bytes > limit;
  }

  /** Counts bytes that this gateway has stored. */
  wrote(processor: string, bytes: number): void {
    const known = this.#known.get(processor);
    if (known) known.written += bytes;
  }

  /**
   * Asks the log for its size. The answer has everything that was stored before. Never rejects: without an answer it is
   * asked again.
   */
  async ask(processor: string): Promise<void> {
    await this.#asking.get(processor);
    await this.#askUnlessUnderWay(processor);
  }

  #askUnlessUnderWay(processor: string): Promise<void> {
    const asking = this.#asking.get(processor) ?? this.#ask(processor);
    this.#asking.set(processor, asking);
    return asking;
  }

  async #ask(processor: string): Promise<void> {
    const before = this.#known.get(processor);
    const writtenBefore = before?.written ?? 0;
    if (before) before.askedAt = performance.now();
    try {
      const size = await this.#logs.size(processor);
      const written = before ? before.written - writtenBefore : 0;
      this.#known.set(processor, { ...size, written, askedAt: performance.now() });
    } catch {
      // NATS is away, or the log is.
    } finally {
      this.#asking.delete(processor);
    }
  }
}

/** Whether a log should be asked for its size again. */
function isDue({ bytes, written, askedAt }: Known, limit: number): boolean {
  const forMs = performance.now() - askedAt;
  const isNearlyFull = bytes + written > limit * nearShare;
  return written > limit * writtenShare || forMs > (isNearlyFull ? nearMs : idleMs);
}
