import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { traceIdOf } from "../../../libs/telemetry/trace-context.ts";
import type { CheckpointBook } from "../checkpoint/checkpoint.ts";
import { isReplayed } from "../recovery/replay.ts";
import type { Result } from "../steps/result.ts";
import { resultOfSteps } from "../steps/result.ts";
import type { Step } from "../steps/step.ts";
import type { IngestionTally } from "./ingestions.ts";
import { RecentReplies } from "./recent-replies.ts";

export interface AnswersOptions {
  book: CheckpointBook;
  tally: IngestionTally;
  /** Sends a reply to whoever waits for it. */
  send: (subject: string, reply: Reply) => void;
  /**
   * Keeps what became of a command, before the checkpoint says that it is applied; undefined where there is nothing to
   * keep. After a crash it may be told of one again.
   */
  record: (command: StoredCommand, reply: Reply) => Promise<void> | undefined;
  log: Logger;
}

/**
 * Tells what became of commands.
 *
 * Invariants: a command is answered once in a life of the applier, with its last step. An answer that may be asked for again is
 * kept before it is given; one that failed is given when it is persisted that the command is behind, as until then it
 * might succeed in another life (A7).
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #recent = new RecentReplies();
  /** Begun, but nobody waits for them any more. */
  readonly #abandoned = new Set<number>();
  /** What came of the steps of commands that are not at their end. */
  readonly #results = new Map<number, (Result | undefined)[]>();

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Takes note of what came of a step, and answers the command with its last. */
  concludeStep({ command, at, isLast }: Step, result: Result): void {
    const { sequence } = command;
    const results = this.#results.get(sequence) ?? [];
    results[at.step] = result;
    if (!isLast) {
      this.#results.set(sequence, results);
      return;
    }
    this.#results.delete(sequence);
    // It was answered when it was applied first.
    if (isReplayed(this.#options, sequence)) return;
    const whole = resultOfSteps(command.method, results);
    this.#options.tally.count(command, whole.outcome);
    this.answer(command, whole);
  }

  /** Answers a command that is behind. */
  answer(command: StoredCommand, result: Result): void {
    const { book, record, log } = this.#options;
    const answer = this.replyOf(result, command.sequence);
    const reply = command.store ? { ...answer, atMs: Date.now() } : answer;
    if (reply.outcome !== "applied") log.warn(logLineOf(command, reply), "a command did not succeed");
    const isAbandoned = this.#abandoned.delete(command.sequence);
    const recorded = record(isAbandoned ? { ...command, store: true } : command, reply);
    if (recorded) book.hold(recorded);
    if (reply.outcome === "failed") book.whenPersisted(() => this.#send(command, reply));
    else if (command.store && recorded) recorded.then(() => this.#send(command, reply)).catch(() => {});
    else this.#send(command, reply);
  }

  /** Tells a command that it was left out because of another: nothing came of it that could be kept. */
  refuse(command: StoredCommand, result: Result): void {
    this.#send(command, this.replyOf(result, command.sequence));
  }

  /** Somebody has stopped waiting for a command that was begun: its reply, where it was sent and did not arrive. */
  abandon(sequence: number): Reply | undefined {
    if (sequence > this.#options.book.current.applied) this.#abandoned.add(sequence);
    return this.#recent.get(sequence);
  }

  /** A result as a reply, with the interval that clients see. */
  replyOf(result: Result, sequence: number): Reply {
    const { interval, offset } = this.#options.book.current;
    return { ...result, sequence, interval: interval + offset };
  }

  #send(command: StoredCommand, reply: Reply): void {
    if (command.replyTo === undefined) return;
    this.#recent.add(reply);
    this.#options.send(command.replyTo, reply);
  }
}

/** What the log says of a command: nothing of its data, nor of its answer's. */
function logLineOf({ id, sequence, method, trace }: StoredCommand, { outcome, grpcStatus, detail }: Reply) {
  return {
    command: id,
    sequence,
    method,
    outcome,
    grpcStatus,
    ...(detail !== "" && { detail }),
    ...(trace && { trace: traceIdOf(trace) }),
  };
}
