import type { KV } from "@nats-io/kv";
import type { CommandLogs } from "./command-logs.ts";

/**
 * How many commands in a processor's log are not applied yet. What is applied is read from its checkpoint.
 * `reported` is the sequence up to which its worker has reported everything applied: it can be later than the
 * checkpoint's.
 */
export async function queueDepth(
  logs: Pick<CommandLogs, "last">,
  checkpoints: KV,
  processor: string,
  reported = 0,
): Promise<number> {
  const last = await logs.last(processor);
  if (reported >= last) return 0;
  const persisted = await persistedApplied(checkpoints, processor);
  return Math.max(0, last - Math.max(reported, persisted));
}

/** The sequence up to which everything is applied, as far as a worker has persisted that; 0 if none has. */
export async function persistedApplied(checkpoints: Pick<KV, "get">, processor: string): Promise<number> {
  const entry = await checkpoints.get(processor);
  return entry?.operation === "PUT" ? entry.json<{ applied: number }>().applied : 0;
}
