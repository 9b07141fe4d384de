import { persistedApplied } from "../../../libs/commands/log/queue-depth.ts";
import type { CommandRecord, FoundRecord } from "../../../libs/commands/outcomes/outcome-store.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import type { Backend } from "../fleet/backend.ts";
import { withNats } from "../fleet/errors.ts";
import { isGoneFromLog } from "../fleet/gone-from-log.ts";

/**
 * The record of a command; undefined if there is none. A command that counts as applied and has no outcome
 * in its record reads as `unknown` (A7): a worker has died between applying it and recording that, or NATS has lost
 * it from the log.
 */
export async function findCommand(
  backend: Backend,
  processor: string,
  command: string,
): Promise<FoundRecord | undefined> {
  const { stores, states } = backend;
  const ask = <T>(question: () => Promise<T>) => withNats(backend, processor, question);
  // Read before the record, because an outcome is recorded before its command counts as applied. While no worker tells
  // what is applied, the checkpoint does: who was told that an outcome is unknown is not told later that it is queued.
  const applied =
    states.applied(processor) ?? (await ask(() => persistedApplied(stores.checkpoints, processor)));
  const found = await ask(() => stores.outcomes.find(processor, command));
  if (!found) return undefined;
  const { state, sequence, reply } = found.record;
  if (reply || sequence === 0 || state === "expired") return found;
  if (sequence > applied && !(await isGoneFromLog(backend, processor, sequence))) return found;
  return { ...found, record: withUnknownOutcome(found.record) };
}

function withUnknownOutcome(record: CommandRecord): CommandRecord {
  return {
    ...record,
    state: "unknown",
    reply: {
      outcome: "unknown",
      sequence: record.sequence,
      grpcStatus: grpc.UNKNOWN,
      detail: "",
      autoLearnedModel: "",
      data: new Uint8Array(),
    },
  };
}
