import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";

/**
 * Knows which commands may have been begun, and which must not be begun any more.
 *
 * Invariant: of a command that was let go (`cancel`, `isOver`) it is certain that it was not begun, and it never will be: nothing may
 * wait between `isOver` and `begin`. Before the first reconciling nobody knows what a worker before this one has begun.
 */
export class StartGate {
  readonly #checkpoint: () => Checkpoint;
  readonly #cancelled = new Set<number>();
  #inHand = 0;
  /** Up to where commands may have been begun. */
  #begun = Number.POSITIVE_INFINITY;

  constructor(checkpoint: () => Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  /** The command is the first that is not behind. */
  takeInHand(sequence: number): void {
    this.#inHand = sequence;
  }

  /** Its call is about to be made. */
  begin(sequence: number): void {
    this.#begun = sequence;
  }

  /** It is known what the instance has: just what the checkpoint says. */
  reconciled(): void {
    this.#begun = this.#checkpoint().applied;
  }

  /** The command is behind. */
  forget(sequence: number): void {
    this.#cancelled.delete(sequence);
  }

  /** Whether it certainly was not begun; then it never will be. */
  cancel(sequence: number): boolean {
    // What is replayed was begun long ago.
    const isReplayed = sequence <= (this.#checkpoint().replaying?.through ?? 0);
    if (isReplayed || this.isBegun({ sequence })) return false;
    this.#cancelled.add(sequence);
    return true;
  }

  isBegun({ sequence }: Pick<StoredCommand, "sequence">): boolean {
    const { applied, step, mark } = this.#checkpoint();
    if (sequence <= Math.max(applied, this.#begun)) return true;
    // Steps are those of the first command after `applied`: which that is, is not known before it is in hand.
    if (step > 0 && (this.#inHand <= applied || sequence === this.#inHand)) return true;
    return mark?.at.sequence === sequence;
  }

  /** Whether its time has passed, and it certainly was not begun. */
  isLate(command: StoredCommand): boolean {
    return command.deadlineMs !== undefined && Date.now() > command.deadlineMs && !this.isBegun(command);
  }

  /** Whether it is not to be begun any more. */
  isOver(command: StoredCommand): boolean {
    return this.isLate(command) || (this.#cancelled.has(command.sequence) && !this.isBegun(command));
  }
}
