import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type {
  CommandRecord,
  FoundRecord,
  OutcomeStore,
} from "../../../libs/commands/outcomes/outcome-store.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Clock } from "../model/clock.ts";
import { refused } from "../model/step-outcome.ts";
import { deadLetterOf } from "./dead-letter.ts";

export interface OutcomeRecorderOptions {
  outcomes: Pick<OutcomeStore, "find" | "create" | "replace" | "put">;
  letters: Pick<DeadLetters, "put">;
  /** The largest message NATS takes. */
  maxPayloadBytes: () => number;
  clock: Pick<Clock, "unixMs" | "sleep">;
  log: Pick<Logger, "warn">;
}

const retryMs = 500;
/** What a record holds besides the response. */
const recordRoomBytes = 16_384;

/**
 * Keeps what became of commands: of those that did not simply succeed, of those that somebody will ask for,
 * and of those whose client stopped waiting.
 *
 * Commands under an Idempotency-Key share one record, and the log's order decides among them (`claim`). The
 * first that is to be started writes its sequence into the record before it is started. From then on every
 * other command of the key is left out, for as long as the record is kept. Only after an `expired`, which had
 * no effect, may another one be started. The worker that holds the lease does this command by command in
 * sequence, so it needs neither a clock nor a memory of message ids.
 */
export class OutcomeRecorder {
  readonly #options: OutcomeRecorderOptions;
  #stopping = false;

  constructor(options: OutcomeRecorderOptions) {
    this.#options = options;
  }

  /**
   * Keeps what is to be kept, and tries again until NATS takes it. Undefined where there is nothing to keep.
   */
  record(command: StoredCommand, reply: Reply): Promise<void> | undefined {
    if (reply.outcome === "applied" && !command.store && !this.#isOverdue(command)) return undefined;
    const letter = deadLetterOf(command, reply);
    return this.#insist(async () => {
      if (letter) await this.#options.letters.put(letter);
      await this.#write(command, this.#fitting(reply));
    });
  }

  /**
   * Whether a command under an Idempotency-Key may be started: not when another of that key was. Rejects
   * while NATS is away.
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

  /** Whether whoever sent it has stopped waiting. */
  #isOverdue({ deadlineMs }: StoredCommand): boolean {
    return deadlineMs !== undefined && this.#options.clock.unixMs() > deadlineMs;
  }

  async #write(command: StoredCommand, reply: Reply): Promise<void> {
    const { outcomes } = this.#options;
    const record = recordOf(command, reply.outcome, command.sequence, { reply });
    if (!command.once) return outcomes.put(command.processor, record);
    for (;;) {
      const found = await outcomes.find(command.processor, command.id);
      if (found && (belongsToAnother(found.record, command) || isLaterAttempt(found.record, record))) return;
      // Told again after a crash: what was answered first stays.
      if (found?.record.state === "applied" || found?.record.state === "failed") return;
      if (await this.#replace(command, found, record)) return;
    }
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

/** Whether another command of the same key was started, and may have had an effect. */
function belongsToAnother(record: CommandRecord, command: StoredCommand): boolean {
  return hasBegun(record) && record.sequence !== command.sequence;
}

/** Whether a command of this key was or is to be started: then no other one of it may be. */
function hasBegun({ state }: CommandRecord): boolean {
  return state !== "queued" && state !== "expired";
}

/**
 * Whether a gateway has sent the key anew since, so that the end of an earlier one without effect is no news.
 */
function isLaterAttempt(found: CommandRecord, { state, once }: CommandRecord): boolean {
  return state === "expired" && found.state === "queued" && found.once?.attempt !== once?.attempt;
}
