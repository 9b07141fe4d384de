import { status as grpc } from "@grpc/grpc-js";
import type { CommandRecord, Found } from "../../../libs/commands/outcomes.ts";
import { fromNats } from "../fleet/refusals.ts";
import type { Backend } from "../open-backend.ts";

/**
 * What is known of a command, undefined for nothing. Of one that was applied and whose outcome was not kept, which a worker
 * that died in between leaves behind, it says `unknown` (A7).
 */
export async function findCommand(
  backend: Backend,
  processor: string,
  command: string,
): Promise<Found | undefined> {
  const { outcomes, states } = backend;
  // Asked before the record: an outcome is kept before it counts as applied.
  const applied = states.get(processor)?.applied ?? 0;
  const found = await fromNats(backend, processor, () => outcomes.find(processor, command));
  const isLost = found && !found.record.reply && isBetween(found.record.sequence, applied);
  return isLost ? { ...found, record: withoutOutcome(found.record) } : found;
}

function isBetween(sequence: number, applied: number): boolean {
  return sequence > 0 && sequence <= applied;
}

function withoutOutcome(record: CommandRecord): CommandRecord {
  const { sequence } = record;
  if (record.state === "expired") return record;
  return {
    ...record,
    state: "unknown",
    reply: {
      outcome: "unknown",
      sequence,
      grpcStatus: grpc.UNKNOWN,
      detail: "",
      autoLearnedModel: "",
      data: new Uint8Array(),
    },
  };
}
