/** A place in the log: a step of the command at a sequence. A command that is one RPC has one step, 0. */
export interface Position {
  sequence: number;
  step: number;
}

/**
 * Compares two places in the log. The result is below zero if `a` comes first, and zero if they are the same.
 */
export function comparePositions(a: Position, b: Position): number {
  return a.sequence - b.sequence || a.step - b.step;
}
