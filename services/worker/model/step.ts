import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { SequenceStep } from "../../../libs/kato/compound-commands.ts";
import { decodeSequence, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import type { Position } from "./position.ts";

/** One RPC of a command. The change of the recall threshold, which takes several calls, is one step too. */
export interface Step {
  command: StoredCommand;
  at: Position;
  method: string;
  request: Uint8Array;
  isLast: boolean;
}

/**
 * The steps of a command in order, at least one. A Sequence whose data do not parse is one step, which is
 * then refused.
 */
export function stepsOf(command: StoredCommand): Step[] {
  const { sequence, method, data } = command;
  const parts = method === sequenceMethod ? partsOf(data) : [];
  if (parts.length === 0) {
    return [{ command, at: { sequence, step: 0 }, method, request: data, isLast: true }];
  }
  return parts.map((part, step) => ({
    command,
    at: { sequence, step },
    ...part,
    isLast: step === parts.length - 1,
  }));
}

function partsOf(data: Uint8Array): SequenceStep[] {
  try {
    return decodeSequence(data);
  } catch {
    return [];
  }
}

/** The position behind a step. */
export function positionAfter({ at, isLast }: Step): Position {
  return isLast ? { sequence: at.sequence + 1, step: 0 } : { sequence: at.sequence, step: at.step + 1 };
}
