import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { takesBatches } from "../../../libs/nats/batches.ts";
import { openBucket } from "../../../libs/nats/buckets.ts";
import { withCheapUpdates, withUpdatesTogether } from "../../../libs/nats/cheap-updates.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import type { Logger } from "../../../libs/telemetry/logger.ts";

type Log = Pick<Logger, "info" | "warn">;

/** By then a worker that starts at the same time has written back the configuration that it had read. */
const settledMs = 500;

/**
 * Opens the bucket of leases, and creates it if it does not exist. Where NATS can, many leases are renewed together from
 * then on.
 */
export async function openLeases(
  link: Pick<NatsLink, "connection" | "inboxPrefix">,
  replicas: number,
  leaseMs: number,
  log: Log,
): Promise<KV> {
  const { bucket, takesUpdatesTogether } = await ensureLeases(link.connection, replicas, leaseMs, log);
  const withUpdates = takesUpdatesTogether ? withUpdatesTogether : withCheapUpdates;
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
  log: Log,
): Promise<{ bucket: KV; takesUpdatesTogether: boolean }> {
  const bucket = await openBucket(connection, "leases", replicas, leaseMs);
  const { streams } = await jetstreamManager(connection, { checkAPI: false });
  const { ttl: livesMs, streamInfo } = await bucket.status();
  const { name, allow_atomic: takesUpdatesTogether = false } = streamInfo.config;
  if (livesMs < leaseMs) {
    await streams.update(name, { max_age: nanos(leaseMs) });
    log.info({ leaseMs, beforeMs: livesMs }, "leases live longer from now on");
    await sleep(settledMs);
    return ensureLeases(connection, replicas, leaseMs, log);
  }
  if (livesMs > leaseMs) {
    log.warn({ leaseMs, livesMs }, "leases live longer than LEASE_MS, as their bucket was made for that");
  }
  if (takesUpdatesTogether || !takesBatches(connection.info?.version ?? ""))
    return { bucket, takesUpdatesTogether };
  try {
    await streams.update(name, { allow_atomic: true });
    return { bucket, takesUpdatesTogether: true };
  } catch (err) {
    log.warn({ err }, "cannot have leases renewed together, so each is written by itself");
    return { bucket, takesUpdatesTogether: false };
  }
}
