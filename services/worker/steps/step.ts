import type { StoredCommand } from "../../../libs/commands/messages/command.ts";
import type { SequenceStep } from "../../../libs/kato/compound-commands.ts";
import { decodeSequence, sequenceMethod } from "../../../libs/kato/compound-commands.ts";
import type { Position } from "../checkpoint/position.ts";

/** One RPC of a command, or the change of the recall threshold, which is one step of several calls. */
export interface Step {
  command: StoredCommand;
  at: Position;
  method: string;
  request: Uint8Array;
  isLast: boolean;
}

/** The steps of a command, in order; at least one. Data that do not parse are one step, which will be refused. */
export function stepsOf(command: StoredCommand): Step[] {
  const { sequence, method, data } = command;
  if (method !== sequenceMethod) {
    return [{ command, at: { sequence, step: 0 }, method, request: data, isLast: true }];
  }
  const parts = partsOf(data);
  if (parts.length === 0)
    return [{ command, at: { sequence, step: 0 }, method, request: data, isLast: true }];
  return parts.map(({ method, request }, step) => ({
    command,
    at: { sequence, step },
    method,
    request,
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

/** The position after a step. */
export function positionAfter({ at, isLast }: Step): Position {
  return isLast ? { sequence: at.sequence + 1, step: 0 } : { sequence: at.sequence, step: at.step + 1 };
}
