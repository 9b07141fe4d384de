import type { StoredCommand } from "../../../libs/commands/command.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import type { Clock } from "../model/clock.ts";

/**
 * Knows which commands may have been begun, and which must not be begun any more.
 *
 * Invariant: a command for which `cancel` has returned true was not begun and never will be. So nothing may be waited for
 * between `mustNotBegin` and `begin`. Before the first reconciling nobody knows what a worker before this one has begun.
 */
export class CancellationGate {
  readonly #checkpoint: { readonly current: Checkpoint };
  readonly #clock: Pick<Clock, "unixMs">;
  readonly #cancelled = new Set<number>();
  /** The command that the loop has in hand. */
  #inHand = 0;
  /** Commands up to here may have been begun. */
  #begunThrough = Number.POSITIVE_INFINITY;

  constructor(checkpoint: { readonly current: Checkpoint }, clock: Pick<Clock, "unixMs">) {
    this.#checkpoint = checkpoint;
    this.#clock = clock;
  }

  /** The loop has come to this command. */
  takeInHand(sequence: number): void {
    this.#inHand = sequence;
  }

  /** The call of this command is about to be made. */
  begin(sequence: number): void {
    this.#begunThrough = sequence;
  }

  /** It is known what the instance has: exactly what the checkpoint says. */
  reconciled(): void {
    this.#begunThrough = this.#checkpoint.current.applied;
  }

  /** The command is at its end. */
  forget(sequence: number): void {
    this.#cancelled.delete(sequence);
  }

  /** Cancels a command, and returns whether it certainly was not begun. */
  cancel(sequence: number): boolean {
    // What is replayed was begun long ago.
    if (isReplayed(this.#checkpoint.current, sequence) || this.isBegun({ sequence })) return false;
    this.#cancelled.add(sequence);
    return true;
  }

  /** Whether the command may have been begun. */
  isBegun({ sequence }: Pick<StoredCommand, "sequence">): boolean {
    const { applied, step, mark } = this.#checkpoint.current;
    if (sequence <= Math.max(applied, this.#begunThrough)) return true;
    // `step` counts those of the first command behind `applied`. Which one that is, is known once it is in hand.
    if (step > 0 && (this.#inHand <= applied || sequence === this.#inHand)) return true;
    return mark?.at.sequence === sequence;
  }

  /** Whether its deadline has passed, and it certainly was not begun. */
  isLate(command: StoredCommand): boolean {
    const { deadlineMs } = command;
    return deadlineMs !== undefined && this.#clock.unixMs() > deadlineMs && !this.isBegun(command);
  }

  /** Whether it is late or cancelled. */
  mustNotBegin(command: StoredCommand): boolean {
    return this.isLate(command) || (this.#cancelled.has(command.sequence) && !this.isBegun(command));
  }
}
