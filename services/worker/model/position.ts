/** A place in the log: a step of the command at a sequence. A command that is one RPC has one step, 0. */
export interface Position {
  sequence: number;
  step: number;
}

/** Below zero when `a` comes first, zero when they are the same. */
export function comparePositions(a: Position, b: Position): number {
  return a.sequence - b.sequence || a.step - b.step;
}
