import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { BackupError } from "./backup-error.ts";
import { listStreams } from "./our-streams.ts";

/**
 * Has NATS keep so many replicas of every stream and bucket of this system. What has as many already stays as it
 * is. NATS goes on serving a stream while it copies it. Resolves to the names of those that were changed.
 *
 * Rejects with a BackupError where NATS has too few servers for that. What was changed by then stays so.
 */
export async function setReplicas({
  connection,
  replicas,
  stopping,
  progress,
}: {
  connection: NatsConnection;
  replicas: number;
  stopping: AbortSignal;
  progress: (line: string) => void;
}): Promise<string[]> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const changed: string[] = [];
  for (const name of (await listStreams(connection)).sort()) {
    stopping.throwIfAborted();
    const { config } = await manager.streams.info(name);
    if (config.num_replicas === replicas) continue;
    try {
      await manager.streams.update(name, { num_replicas: replicas });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new BackupError(`${name} cannot have ${replicas} replicas: ${reason}`);
    }
    changed.push(name);
    progress(`${name}: ${config.num_replicas} before, ${replicas} now`);
  }
  return changed;
}
