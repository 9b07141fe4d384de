import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { openBucket } from "../../../libs/nats/buckets.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

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
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await manager.streams.update(streamInfo.config.name, { max_age: nanos(leaseMs) });
    log.info({ leaseMs, beforeMs: livesMs }, "leases live longer from now on");
  } else if (livesMs > leaseMs) {
    log.warn({ leaseMs, livesMs }, "leases live longer than LEASE_MS, as their bucket was made for that");
  }
  return bucket;
}
