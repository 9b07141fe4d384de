import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { takesBatches } from "../../../libs/nats/batches.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { withCheapUpdates, withUpdatesTogether } from "../../../libs/nats/cheap-updates.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

/**
 * Opens the bucket of leases, and creates it if it does not exist. Where NATS can, many leases are renewed together from
 * then on.
 */
export async function openLeases(
  link: Pick<NatsLink, "connection" | "inboxPrefix">,
  replicas: number,
  leaseMs: number,
  log: Pick<Logger, "info" | "warn">,
): Promise<KV> {
  const { bucket, areTogether } = await ensureLeases(link.connection, replicas, leaseMs, log);
  const withUpdates = areTogether ? withUpdatesTogether : withCheapUpdates;
  return withUpdates(bucket, "leases", link);
}

/**
 * Makes sure that there is a bucket of leases. An entry of it lives for `leaseMs` or longer, because a lease must not be
 * held longer than its entry lives (A4).
 *
 * A bucket that was made for shorter leases is changed. A bucket that was made for longer leases stays as it
 * is, because workers that count on that may be running. Then a dead worker is replaced later than `leaseMs`
 * says, and the log says so.
 */
export async function ensureLeases(
  connection: NatsConnection,
  replicas: number,
  leaseMs: number,
  log: Pick<Logger, "info" | "warn">,
): Promise<{ bucket: KV; areTogether: boolean }> {
  const bucket = await openBucket(connection, "leases", replicas, leaseMs);
  const { ttl: livesMs, streamInfo } = await bucket.status();
  const { name, allow_atomic } = streamInfo.config;
  if (livesMs < leaseMs) {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    await manager.streams.update(name, { max_age: nanos(leaseMs) });
    log.info({ leaseMs, beforeMs: livesMs }, "leases live longer from now on");
  } else if (livesMs > leaseMs) {
    log.warn({ leaseMs, livesMs }, "leases live longer than LEASE_MS, as their bucket was made for that");
  }
  const areTogether = allow_atomic === true || (await allowBatches(connection, name));
  return { bucket, areTogether };
}

/** Resolves to false where leases are to be renewed one by one: on an older NATS, or without the right to change the bucket. */
async function allowBatches(connection: NatsConnection, stream: string): Promise<boolean> {
  if (!takesBatches(connection.info?.version ?? "")) return false;
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { config } = await manager.streams
    .update(stream, { allow_atomic: true })
    .catch(() => ({ config: {} }));
  return "allow_atomic" in config && config.allow_atomic === true;
}
