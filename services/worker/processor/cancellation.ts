import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import { isAutoLearnDue } from "../checkpoint/transitions.ts";
import type { Clock } from "../model/clock.ts";
import { stepsOf } from "../model/step.ts";

/**
 * Knows which commands may have been begun, and which must not be begun any more.
 *
 * Invariants: a command for which `cancel` has returned true was not begun and never will be, in this life of
 * the worker or in a later one, as it is persisted. So nothing may be waited for between `mustNotBegin` and
 * `begin`. Before the first reconciling nobody knows what a worker before this one has begun.
 */
export class CancellationGate {
  readonly #checkpoint: Pick<CheckpointWriter, "current" | "update" | "flush">;
  readonly #clock: Pick<Clock, "unixMs">;
  /** The command that the loop has in hand. */
  #inHand = 0;
  /** Commands up to here may have been begun. */
  #begunThrough = Number.POSITIVE_INFINITY;

  constructor(
    checkpoint: Pick<CheckpointWriter, "current" | "update" | "flush">,
    clock: Pick<Clock, "unixMs">,
  ) {
    this.#checkpoint = checkpoint;
    this.#clock = clock;
  }

  /**
   * The loop has come to this command. One that needs an intent record, and has none, was begun by nobody,
   * nor was any behind it: the intent would have been persisted before.
   */
  takeInHand(command: StoredCommand): void {
    const { sequence } = command;
    this.#inHand = sequence;
    const { mark, perhapsBegunThrough } = this.#current;
    const hasIntent = mark?.at.sequence === sequence;
    if (sequence > perhapsBegunThrough || hasIntent || isReplayed(this.#current, sequence)) return;
    if (!needsIntent(this.#current, command)) return;
    this.#checkpoint.update({ perhapsBegunThrough: sequence - 1 });
  }

  /** The call of this command is about to be made. */
  begin(sequence: number): void {
    this.#begunThrough = sequence;
  }

  /** It is known what the instance has: exactly what the checkpoint says. */
  reconciled(): void {
    this.#begunThrough = this.#current.applied;
  }

  /** The command is at its end. */
  forget(sequence: number): void {
    const { cancelled } = this.#current;
    if (cancelled.length === 0) return;
    this.#checkpoint.update({ cancelled: cancelled.filter((other) => other > sequence) });
  }

  /** Has a command not begin any more, and returns whether it certainly was not begun. */
  forbid(sequence: number): boolean {
    // What is replayed was begun long ago.
    if (isReplayed(this.#current, sequence) || this.mayBeBegun({ sequence })) return false;
    if (!this.#isCancelled(sequence)) {
      this.#checkpoint.update({ cancelled: [...this.#current.cancelled, sequence] });
    }
    return true;
  }

  /**
   * As `forbid`, and resolves once that is persisted: then a client can be told. Where NATS does not answer
   * nobody can know what a later worker will do, so that is false too (A7).
   */
  async cancel(sequence: number): Promise<boolean> {
    if (!this.forbid(sequence)) return false;
    return this.#checkpoint.flush().then(
      () => true,
      () => false,
    );
  }

  /**
   * Whether the command was begun, or an earlier worker may have begun it and answered although nothing shows
   * it.
   */
  mayBeBegun({ sequence }: Pick<StoredCommand, "sequence">): boolean {
    const isPerhapsBegun = sequence <= this.#current.perhapsBegunThrough && !this.#isCancelled(sequence);
    return isPerhapsBegun || this.isBegun({ sequence });
  }

  /** Whether the command was begun, as far as that can be known. */
  isBegun({ sequence }: Pick<StoredCommand, "sequence">): boolean {
    const { applied, step, mark } = this.#current;
    if (this.#isCancelled(sequence)) return false;
    if (sequence <= Math.max(applied, this.#begunThrough)) return true;
    // `step` counts those of the first command behind `applied`. Which one that is, is known once it is in
    // hand.
    if (step > 0 && (this.#inHand <= applied || sequence === this.#inHand)) return true;
    return mark?.at.sequence === sequence;
  }

  /** Whether its deadline has passed, and it certainly was not begun. */
  isLate(command: StoredCommand): boolean {
    const { deadlineMs } = command;
    return deadlineMs !== undefined && this.#clock.unixMs() > deadlineMs && !this.mayBeBegun(command);
  }

  /** Whether it is late or cancelled. */
  mustNotBegin(command: StoredCommand): boolean {
    return this.isLate(command) || this.#isCancelled(command.sequence);
  }

  #isCancelled(sequence: number): boolean {
    return this.#current.cancelled.includes(sequence);
  }

  get #current(): Checkpoint {
    return this.#checkpoint.current;
  }
}

/** Whether the command's first step is any but an Observe that will not make KATO learn. */
function needsIntent(checkpoint: Checkpoint, command: StoredCommand): boolean {
  const [first] = stepsOf(command);
  if (first?.method !== "Observe") return true;
  return isAutoLearnDue(checkpoint, readObservationFields(first.request).hasSymbols);
}
