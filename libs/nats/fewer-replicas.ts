import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Log } from "./connection.ts";

const shown = 10;

/**
 * Warns where streams that exist have fewer replicas than those that will be created: `NATS_REPLICAS` does not
 * change them. Says nothing if NATS does not let this user list its streams.
 */
export async function warnOfFewerReplicas(
  connection: NatsConnection,
  replicas: number,
  log: Log,
): Promise<void> {
  if (replicas === 1) return;
  const fewer: string[] = [];
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    for await (const { config } of manager.streams.list()) {
      const isOurs = /^(KATO_|KV_kato-|KATO-(DEAD-LETTERS|AUDIT)$)/.test(config.name);
      if (isOurs && config.num_replicas < replicas) fewer.push(config.name);
    }
  } catch {
    return;
  }
  if (fewer.length === 0) return;
  const streams = fewer.slice(0, shown);
  const what = "streams have fewer replicas than NATS_REPLICAS, and keep them until npm run replicas";
  log.warn({ replicas, count: fewer.length, streams }, what);
}
