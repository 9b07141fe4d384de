import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { isOverdue } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { DeadLetter, DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type {
  CommandRecord,
  FoundRecord,
  OutcomeStore,
} from "../../../libs/commands/outcomes/outcome-store.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Clock } from "../model/clock.ts";
import type { HeldLease } from "../model/held-lease.ts";
import { checkHeld } from "../model/held-lease.ts";
import { LeaseLost } from "../model/interruptions.ts";
import { refused } from "../model/step-outcome.ts";
import { deadLetterOf } from "./dead-letter.ts";

export interface OutcomeRecorderOptions {
  outcomes: Pick<OutcomeStore, "find" | "create" | "replace" | "put">;
  letters: Pick<DeadLetters, "put">;
  /** The size of the largest message that NATS takes. */
  maxPayloadBytes: () => number;
  /** Whether JetStream's storage has so little room that only what must be kept is kept. */
  isShort: () => boolean;
  clock: Pick<Clock, "unixMs" | "storeMs" | "sleep">;
  log: Pick<Logger, "warn">;
}

const retryMs = 500;
/** How much a record needs besides the response. */
const recordRoomBytes = 16_384;

/**
 * Keeps what became of commands: of those that did not succeed, of those that somebody may ask for later, and
 * of those whose client has stopped waiting.
 *
 * Commands under one Idempotency-Key share one record. The order of the log decides which of them is applied
 * (`claim`). Before the first of them is started, its sequence is written into the record. From then on every
 * other command of the key is left out, for as long as the record is kept. Another one may be started only if
 * the first one ended as `expired`, because then it had no effect. The worker that holds the lease does this
 * in the order of the log. So it needs neither a clock nor a memory of message ids.
 */
export class OutcomeRecorder {
  readonly #options: OutcomeRecorderOptions;
  #stopping = false;

  constructor(options: OutcomeRecorderOptions) {
    this.#options = options;
  }

  /**
   * Keeps the outcome of a command, and tries again until NATS has it or until `stop`. Undefined if there is
   * nothing to keep. Rejects with LeaseLost without the lease: another worker may conclude the command in another
   * way by then.
   */
  record(command: StoredCommand, reply: Reply, lease: HeldLease): Promise<void> | undefined {
    if (reply.outcome === "applied" && !command.store && !isOverdue(command, this.#options.clock))
      return undefined;
    const letter = deadLetterOf(command, reply);
    return this.#insist(async () => {
      if (letter) {
        checkHeld(lease, letter.processor);
        await this.#keepLetter(letter);
      }
      if (letter && isLine(command) && this.#options.isShort()) return;
      checkHeld(lease, command.processor);
      await this.#write(command, this.#fitting(reply));
    });
  }

  /**
   * Whether a command under an Idempotency-Key may be started. It may not if another command of that key was
   * started. Rejects while NATS is away.
   */
  async claim(command: StoredCommand): Promise<boolean> {
    for (;;) {
      const found = await this.#options.outcomes.find(command.processor, command.id);
      if (found && belongsToAnother(found.record, command)) return false;
      if (found && hasBegun(found.record)) return true;
      if (await this.#replace(command, found, recordOf(command, "started", command.sequence))) return true;
    }
  }

  /** From now on a write that fails is not tried again. */
  stop(): void {
    this.#stopping = true;
  }

  async #write(command: StoredCommand, reply: Reply): Promise<void> {
    const { outcomes } = this.#options;
    const record = recordOf(command, reply.outcome, command.sequence, { reply });
    if (!command.once) return outcomes.put(command.processor, record);
    for (;;) {
      const found = await outcomes.find(command.processor, command.id);
      if (found && (belongsToAnother(found.record, command) || isLaterAttempt(found.record, record))) return;
      if (found && isFinal(found.record, command)) return;
      if (await this.#replace(command, found, record)) return;
    }
  }

  async #keepLetter(letter: DeadLetter): Promise<void> {
    const { letters, log } = this.#options;
    const dropped = await letters.put(letter);
    const { processor } = letter;
    if (dropped > 0)
      log.warn({ processor, dropped }, "the oldest dead letters were dropped: there are too many");
  }

  #replace(
    { processor }: StoredCommand,
    found: FoundRecord | undefined,
    record: CommandRecord,
  ): Promise<boolean> {
    const { outcomes } = this.#options;
    return found ? outcomes.replace(processor, record, found.revision) : outcomes.create(processor, record);
  }

  async #insist(write: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (error instanceof LeaseLost) throw error;
        this.#options.log.warn({ err: error }, "cannot keep an outcome");
        if (this.#stopping) throw error;
        await this.#options.clock.sleep(retryMs);
      }
    }
  }

  /** A response larger than NATS takes is replaced by one that says so. */
  #fitting(reply: Reply): Reply {
    const limit = this.#options.maxPayloadBytes() - recordRoomBytes;
    if (reply.data.length <= limit) return reply;
    return {
      ...reply,
      ...refused(grpc.RESOURCE_EXHAUSTED, `larger than ${limit} bytes`),
      outcome: reply.outcome,
    };
  }
}

/**
 * Whether a command is a line of an ingestion. There may be millions of these. Nobody is given their ids, and
 * their dead letters say the same as their records.
 */
function isLine({ ingestion, once }: StoredCommand): boolean {
  return ingestion !== undefined && once === undefined;
}

/**
 * Whether another command of the same key was started, and may have had an effect. A log that has lost commands
 * can give the sequence of one to another.
 */
function belongsToAnother(record: CommandRecord, command: StoredCommand): boolean {
  const isSame = record.sequence === command.sequence && record.once?.attempt === command.once?.attempt;
  return hasBegun(record) && !isSame;
}

/**
 * Whether a command of this key was started, or is about to be. Then no other command of the key may be
 * started.
 */
function hasBegun({ state }: CommandRecord): boolean {
  return state !== "queued" && state !== "expired";
}

/**
 * Whether a record has what its command has come to. After a crash an outcome can be told again, and the first
 * answer stays. But a failure is kept before it is persisted that the command has ended. In between a worker may
 * die, and then the next one tries the command again, unless it is an Observe, which has ticked.
 */
function isFinal({ state }: CommandRecord, { method }: StoredCommand): boolean {
  return state === "applied" || (state === "failed" && method === "Observe");
}

/**
 * Whether a gateway has sent the key again since. Then the record stays as it is, and does not say that an
 * earlier command has expired.
 */
function isLaterAttempt(found: CommandRecord, { state, once }: CommandRecord): boolean {
  return state === "expired" && found.state === "queued" && found.once?.attempt !== once?.attempt;
}
