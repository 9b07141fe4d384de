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
  const entry = await checkpoints.get(processor);
  const persisted = entry?.operation === "PUT" ? entry.json<{ applied: number }>().applied : 0;
  return Math.max(0, last - Math.max(reported, persisted));
}
