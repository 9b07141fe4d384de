import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";
import { traceIdOf } from "../../../libs/telemetry/trace-context.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { outcomeOfSteps } from "../model/step-outcome.ts";
import { isDeadLetter } from "./dead-letter.ts";
import type { IngestionCounter } from "./ingestion-counter.ts";
import { RecentReplies } from "./recent-replies.ts";

export interface CommandOutcomesOptions {
  checkpoint: CheckpointWriter;
  counter: IngestionCounter;
  /**
   * Keeps what became of a command; undefined if there is nothing to keep. After a crash it may be called for
   * a command again.
   */
  record(command: StoredCommand, reply: Reply): Promise<void> | undefined;
  /** Sends a reply to whoever waits for it. */
  reply(subject: string, reply: Reply): void;
  metrics: {
    concluded(command: { processor: string; outcome: string }): void;
    deadLettered(processor: string): void;
  };
  log: Pick<Logger, "warn">;
}

/**
 * Counts what became of a processor's commands, has it kept, and sends the replies.
 *
 * Invariants: a command is told once in the life of its worker, with its last step. An outcome that somebody
 * may ask for later is kept first. Only then does the persisted checkpoint say that the command is applied,
 * only then are gateways told so, and only then is the reply sent. A failure is sent once it is persisted that
 * the command has ended. Until then the command may be tried again after a crash, and succeed (A7).
 */
export class CommandOutcomes {
  /** Counts the commands of ingestions. */
  readonly counter: IngestionCounter;
  readonly #options: CommandOutcomesOptions;
  readonly #recent = new RecentReplies();
  /** Commands that were begun, and for which nobody waits any more. */
  readonly #abandoned = new Set<number>();
  /** The commands whose outcomes are being kept: NATS does not have them yet. In the order of the log. */
  readonly #keeping = new Set<number>();
  /** The outcomes of steps, for commands that have not ended. */
  readonly #steps = new Map<number, (StepOutcome | undefined)[]>();

  constructor(options: CommandOutcomesOptions) {
    this.#options = options;
    this.counter = options.counter;
  }

  /** Notes the outcome of a step. With its last step the command is counted and told. */
  concludeStep({ command, at, isLast }: Step, outcome: StepOutcome): void {
    const { sequence } = command;
    const steps = this.#steps.get(sequence) ?? [];
    steps[at.step] = outcome;
    if (!isLast) {
      this.#steps.set(sequence, steps);
      return;
    }
    this.#steps.delete(sequence);
    // A command that is replayed was counted and told when it was first applied.
    if (isReplayed(this.#options.checkpoint.current, sequence)) return;
    const whole = outcomeOfSteps(command.method, steps);
    this.counter.count(command, whole.outcome);
    this.tell(command, whole);
  }

  /** Keeps and tells the outcome of a command that has ended. */
  tell(command: StoredCommand, outcome: StepOutcome): void {
    const { checkpoint, metrics, log } = this.#options;
    const { processor, sequence } = command;
    const plain = this.replyOf(outcome, sequence);
    const reply = command.store ? { ...plain, atMs: Date.now() } : plain;
    metrics.concluded({ processor, outcome: reply.outcome });
    if (isDeadLetter(command, reply.outcome)) metrics.deadLettered(processor);
    if (reply.outcome !== "applied") log.warn(logLineOf(command, reply), "a command did not succeed");
    const isAbandoned = this.#abandoned.delete(sequence);
    const kept = this.#options.record(isAbandoned ? { ...command, store: true } : command, reply);
    if (kept) this.#keep(sequence, kept);
    if (reply.outcome === "failed") checkpoint.whenPersisted(() => this.#send(command, reply));
    else if (command.store && kept) kept.then(() => this.#send(command, reply)).catch(() => {});
    else this.#send(command, reply);
  }

  /** Sends the reply to a command that was left out because of another one. There is nothing to keep. */
  tellLeftOut(command: StoredCommand, outcome: StepOutcome): void {
    this.#send(command, this.replyOf(outcome, command.sequence));
  }

  /**
   * Notes that nobody waits any more for a command that was begun. So its outcome will be kept. If its reply
   * was sent already, it has not arrived, and it is returned.
   */
  abandon(sequence: number): Reply | undefined {
    if (sequence > this.#options.checkpoint.current.applied) this.#abandoned.add(sequence);
    return this.#recent.get(sequence);
  }

  /** Forgets what is known of commands by their sequences, because the log gives these to others. */
  forgetSequences(): void {
    this.#recent.clear();
    this.#abandoned.clear();
    this.#steps.clear();
    this.#keeping.clear();
  }

  /**
   * The sequence up to which commands have ended and their outcomes are kept. Whoever is told that a command is
   * applied finds its outcome, or knows that none is kept of it.
   */
  get toldThrough(): number {
    const { applied } = this.#options.checkpoint.current;
    const [first] = this.#keeping;
    return first === undefined ? applied : Math.min(applied, first - 1);
  }

  #keep(sequence: number, kept: Promise<void>): void {
    this.#options.checkpoint.waitFor(kept);
    this.#keeping.add(sequence);
    // An outcome that cannot be kept is never told of.
    kept.then(
      () => this.#keeping.delete(sequence),
      () => {},
    );
  }

  /** An outcome as a reply, with the interval that clients see. */
  replyOf(outcome: StepOutcome, sequence: number): Reply {
    const { interval, offset } = this.#options.checkpoint.current;
    return { ...outcome, sequence, interval: interval + offset };
  }

  #send(command: StoredCommand, reply: Reply): void {
    if (command.replyTo === undefined) return;
    this.#recent.add(reply);
    this.#options.reply(command.replyTo, reply);
  }
}

/** The fields of a log line about a command. The data of the command and of its answer are not logged. */
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
