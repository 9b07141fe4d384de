import type { StoredCommand, Times } from "../../../libs/commands/messages/command.ts";
import { isOverdue } from "../../../libs/commands/messages/command.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import type { CheckpointWriter } from "../checkpoint/checkpoint-writer.ts";
import type { MissingCommands } from "../checkpoint/lost-commands.ts";
import { isAutoLearnDue } from "../checkpoint/transitions.ts";
import { NotBegun } from "../model/interruptions.ts";
import { stepsOf } from "../model/step.ts";

/**
 * Knows which commands may have been begun, and which must not be begun any more.
 *
 * Invariants: a command for which `cancel` has resolved to true was not begun and never will be, neither by
 * this worker nor by a later one, because that is persisted. So the call of a command is made, or what proves it
 * is persisted, right after `begin`, and nothing is awaited in between. Before the first reconciling nobody knows
 * what an earlier worker has begun, so nothing can be cancelled.
 */
export class CancellationGate {
  readonly #checkpoint: Pick<CheckpointWriter, "current" | "update" | "flush">;
  readonly #clock: Times;
  /** The sequence of the command that the loop has in hand. */
  #inHand = 0;
  /** Commands up to this sequence may have been begun. */
  #begunThrough = Number.POSITIVE_INFINITY;
  /** Commands up to this sequence may have been prepared. */
  #preparedThrough = 0;
  /** The latest commands that were lost before they were begun. Nobody can begin them any more. */
  #lost: MissingCommands = { from: 0, through: 0 };

  constructor(checkpoint: Pick<CheckpointWriter, "current" | "update" | "flush">, clock: Times) {
    this.#checkpoint = checkpoint;
    this.#clock = clock;
  }

  /**
   * Notes that the loop has come to this command. If the command needs an intent record and has none, nobody
   * has begun it, because the record would have been persisted before. Nor was any later command begun.
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

  /** Notes that this command is being prepared: what has to be known before its call is asked. */
  prepare(sequence: number): void {
    this.#preparedThrough = sequence;
  }

  /**
   * Notes that the call of this command is about to be made. Throws NotBegun if it must not be begun, because it
   * was cancelled, or its deadline has passed, while it was prepared.
   */
  begin(command: StoredCommand): void {
    if (this.mustNotBegin(command)) throw new NotBegun(`${command.sequence} must not be begun any more`);
    this.#begunThrough = command.sequence;
  }

  /** Notes that the instance is reconciled: it has exactly what the checkpoint says. */
  reconciled(): void {
    this.#begunThrough = this.#current.applied;
    this.#preparedThrough = this.#current.applied;
  }

  /** Notes that the command has ended. */
  forget(sequence: number): void {
    const { cancelled } = this.#current;
    if (cancelled.length === 0) return;
    this.#checkpoint.update({ cancelled: cancelled.filter((other) => other > sequence) });
  }

  /**
   * Forbids that a command is begun from now on, and returns true. Returns false if the command may have been
   * begun already; then nothing changes.
   */
  forbid(sequence: number): boolean {
    const { from, through } = this.#lost;
    if (sequence >= from && sequence <= through) return true;
    // A command that is replayed was begun long ago.
    if (isReplayed(this.#current, sequence) || this.mayBeBegun({ sequence })) return false;
    this.leaveOut(sequence);
    return true;
  }

  /** Notes that the command is about to be taken out of the log, and why it is not there is known then. */
  leaveOut(sequence: number): void {
    if (this.#isCancelled(sequence)) return;
    this.#checkpoint.update({ cancelled: [...this.#current.cancelled, sequence] });
  }

  /** Notes that commands were lost from the log before they were begun. */
  lost(commands: MissingCommands): void {
    this.#lost = commands;
  }

  /**
   * As `forbid`, but resolves only once that is persisted, so that a client can be told. Resolves to false if
   * NATS does not answer, because then nobody knows what a later worker will do (A7).
   */
  async cancel(sequence: number): Promise<boolean> {
    if (!this.forbid(sequence)) return false;
    return this.#checkpoint.flush().then(
      () => true,
      () => false,
    );
  }

  /**
   * Whether the command was begun, or may have been begun and answered by an earlier worker although nothing
   * shows it.
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
    // `step` counts steps of the first command after `applied`. The sequence of that command is known only
    // once it is in hand.
    if (step > 0 && (this.#inHand <= applied || sequence === this.#inHand)) return true;
    return mark?.at.sequence === sequence;
  }

  /** Whether the next command was begun, be it by an earlier worker. It is not known yet which one that is. */
  get isNextBegun(): boolean {
    const { applied, step, mark } = this.#current;
    return step > 0 || (mark !== null && mark.at.sequence > applied);
  }

  /** Whether every command that was begun has ended, and none is being prepared. */
  get isNothingBegun(): boolean {
    const through = Math.max(this.#begunThrough, this.#preparedThrough);
    return !this.isNextBegun && through <= this.#current.applied;
  }

  /** Whether the command's deadline has passed, and the command certainly was not begun. */
  isLate(command: StoredCommand): boolean {
    return isOverdue(command, this.#clock) && !this.mayBeBegun(command);
  }

  /** Whether the command is late or cancelled. */
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

/**
 * Whether the command's first step needs an intent record. Only an Observe that will not make KATO learn
 * needs none.
 */
function needsIntent(checkpoint: Checkpoint, command: StoredCommand): boolean {
  const [first] = stepsOf(command);
  if (first?.method !== "Observe") return true;
  return isAutoLearnDue(checkpoint, readObservationFields(first.request).hasSymbols);
}
