import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { openBucket } from "../../../libs/nats/buckets.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

/** How many times LEASE_MS the entries live where every worker has a session: a claim is renewed three times in that. */
export const livesUnderSessions = 20;

/**
 * Opens the bucket of leases. An entry of it lives for `leaseMs` or longer, because a lease must not be held
 * longer than its entry lives (A4).
 *
 * A bucket that was made for shorter leases is changed. A bucket that was made for longer leases stays as it
 * is, because workers that count on that may be running. Then a dead worker is replaced later than `leaseMs`
 * says, and the log says so.
 */
export async function openLeases(
  connection: NatsConnection,
  replicas: number,
  leaseMs: number,
  log: Pick<Logger, "info" | "warn">,
): Promise<KV> {
  const bucket = await openBucket(connection, "leases", replicas, leaseMs);
  const { ttl: livesMs, streamInfo } = await bucket.status();
  if (livesMs < leaseMs) {
    await lengthenLives(connection, streamInfo.config.name, leaseMs);
    log.info({ leaseMs, beforeMs: livesMs }, "leases live longer from now on");
  } else if (livesMs > livesUnderSessions * leaseMs) {
    log.warn({ leaseMs, livesMs }, "leases live longer than LEASE_MS, as their bucket was made for that");
  }
  return bucket;
}

/** Has the entries of the bucket with this stream live for longer. */
export async function lengthenLives(connection: NatsConnection, stream: string, ms: number): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.streams.update(stream, { max_age: nanos(ms) });
}
