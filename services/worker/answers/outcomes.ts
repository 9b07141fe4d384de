import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Outcome, Reply } from "../../../libs/commands/messages/reply.ts";
import type { DeadLetter, DeadLetters } from "../../../libs/commands/outcomes/dead-letters.ts";
import type {
  CommandRecord,
  FoundRecord,
  OutcomeStore,
} from "../../../libs/commands/outcomes/outcome-store.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { decodeResponse } from "../../../libs/kato/codec.ts";
import { lastLineOf } from "../../../libs/kato/messages.ts";
import { isMethod } from "../../../libs/kato/rpcs.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { refused } from "../steps/result.ts";

export interface OutcomeRecorderOptions {
  outcomes: Pick<OutcomeStore, "find" | "create" | "replace" | "put">;
  letters: Pick<DeadLetters, "put">;
  /** The largest message NATS takes. */
  maxPayloadBytes: () => number;
  log: Logger;
}

const retryMs = 500;
/** What a record holds besides the response. */
const recordRoomBytes = 16_384;
const maxTextLength = 2_000;

/**
 * Keeps what became of commands: of those that did not simply succeed, of those that somebody will ask for, and of those that
 * nobody waited for to the end.
 *
 * Commands under an Idempotency-Key share one record, and `claim` makes the log's order decide among them: the first that is to
 * be started writes its sequence there, before it is started; from then on every other is passed over, for as long as the
 * record is kept, but after an `expired`, which had no effect. It is the worker that holds the lease which does this, command
 * by command in sequence, so it needs no clock, no memory of message ids, and no gateway that lives long enough.
 */
export class OutcomeRecorder {
  readonly #options: OutcomeRecorderOptions;
  #stopping = false;

  constructor(options: OutcomeRecorderOptions) {
    this.#options = options;
  }

  /** Keeps what is to be kept, trying again until NATS takes it; undefined where there is nothing to keep. */
  record(command: StoredCommand, reply: Reply): Promise<void> | undefined {
    if (reply.outcome === "applied" && !command.store && !isOverdue(command)) return undefined;
    const letter = deadLetterOf(command, reply);
    return this.#insist(async () => {
      if (letter) await this.#options.letters.put(letter);
      await this.#write(command, this.#fitting(reply));
    });
  }

  /** Whether a command under an Idempotency-Key may be started: not when another of that key was. Rejects while NATS is away. */
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
        await sleep(retryMs);
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

/** Whether a command that came to this end becomes a dead letter: nobody waited for it, and it did not succeed. */
export function isDeadLetter(
  { deadlineMs }: StoredCommand,
  outcome: Outcome,
): outcome is DeadLetter["outcome"] {
  return deadlineMs === undefined && (outcome === "failed" || outcome === "unknown");
}

/** What is to be kept until somebody looks at it: the failure of a command that nobody waited for. */
function deadLetterOf(
  command: StoredCommand,
  { outcome, grpcStatus, detail, data }: Reply,
): DeadLetter | undefined {
  if (!isDeadLetter(command, outcome)) return undefined;
  const { processor, sequence, id, method, form } = command;
  const hasResponse = grpcStatus === grpc.OK && isMethod(method);
  const text = hasResponse ? (decodeResponse(method, Buffer.from(data)).message ?? "") : detail;
  return {
    processor,
    sequence,
    command: id,
    method,
    ...(form !== undefined && { form }),
    data: command.data,
    outcome,
    grpcStatus,
    text: lastLineOf(text).slice(0, maxTextLength),
    atMs: Date.now(),
  };
}

/** Whether whoever sent it has stopped waiting. */
function isOverdue({ deadlineMs }: StoredCommand): boolean {
  return deadlineMs !== undefined && Date.now() > deadlineMs;
}

/** Whether another command of the same key was started, and may have had an effect. */
function belongsToAnother(record: CommandRecord, command: StoredCommand): boolean {
  return hasBegun(record) && record.sequence !== command.sequence;
}

/** Whether a command of this key was or is to be started: then no other one of it may be. */
function hasBegun({ state }: CommandRecord): boolean {
  return state !== "queued" && state !== "expired";
}

/** Whether a gateway has sent the key anew since, so that the end of an earlier one without effect is no news. */
function isLaterAttempt(found: CommandRecord, { state, once }: CommandRecord): boolean {
  return state === "expired" && found.state === "queued" && found.once?.attempt !== once?.attempt;
}
