import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { replyOfMessage } from "../../libs/commands/messages/reply.ts";
import { DeadLetters } from "../../libs/commands/outcomes/dead-letters.ts";
import { IngestionStore, ingestionsKeptMs } from "../../libs/commands/outcomes/ingestion-store.ts";
import { OutcomeStore } from "../../libs/commands/outcomes/outcome-store.ts";
import { instanceContext } from "../../libs/kato/instance-tls.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { warnOfFewerReplicas } from "../../libs/nats/fewer-replicas.ts";
import { Inbox } from "../../libs/nats/inbox.ts";
import { StoreRoom } from "../../libs/nats/store-room.ts";
import { StoreTime } from "../../libs/nats/store-time.ts";
import { StreamKeeper } from "../../libs/nats/stream-keeper.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { AuditTrail } from "./access/audit-trail.ts";
import { KeyStore } from "./access/key-store.ts";
import type { Backend, Stores } from "./fleet/backend.ts";
import { CommandRoom } from "./fleet/command-room.ts";
import { KeptRecords } from "./fleet/kept-records.ts";
import { KeysInHand } from "./fleet/keys-in-hand.ts";
import { ProcessorStates } from "./fleet/processor-states.ts";
import { Registrations } from "./fleet/registrations.ts";
import { wantedStreams } from "./fleet/wanted-streams.ts";
import type { GatewaySettings } from "./settings.ts";
import { endpointPolicyOf } from "./settings.ts";

const renewTimeoutMs = 5_000;
const storeTimeEveryMs = 5_000;

/**
 * Connects to NATS, registers the processors of the settings, and creates a command log for each registered
 * processor. Waits for NATS as long as it takes. Returns undefined when `stopping` comes first.
 */
export async function openBackend(
  settings: GatewaySettings,
  log: Logger,
  stopping: AbortSignal,
): Promise<Backend | undefined> {
  const { processors, queueLimits, natsReplicas: replicas } = settings;
  const endpointPolicy = endpointPolicyOf(settings);
  const nats = await NatsLink.open({
    ...settings.nats,
    replicas,
    name: "gateway",
    inbox: "gateway",
    log,
    stopping,
  });
  if (!nats) return undefined;
  const { connection, inboxPrefix } = nats;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
  const store = await StoreRoom.open({ ...settings.room, connection, replicas, log });
  const logs = await ask(() =>
    CommandLogs.open(connection, settings.logLimits, { room: store, inboxPrefix }),
  );
  const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
  const registry = await ask(() => Registry.open(registryBucket, connection));
  const stores = await openStores(connection, replicas, ask);
  const keysBucket = await ask(() => openBucket(connection, "keys", replicas));
  const keys = await ask(() => KeyStore.open(keysBucket, connection));
  const { auditDays: days } = settings.access;
  const auditTrail = await ask(() => AuditTrail.open(connection, { replicas, days }));
  const states = new ProcessorStates(connection);
  const room = new CommandRoom(store, logs);
  const registrations = new Registrations(processors, {
    ...{ registry, logs, endpointPolicy, log, stopping },
    instanceContext: instanceContext(settings.instanceTls, log),
  });
  const streams = new StreamKeeper({
    connection,
    wanted: () => wantedStreams({ connection, replicas, auditDays: days, logs, registry, states }),
    onComplete: () => registrations.renew(renewTimeoutMs),
    log,
  });
  await ask(() => streams.look());
  await warnOfFewerReplicas(connection, replicas, log);
  const replies = new Inbox(connection, replyOfMessage, inboxPrefix);
  const parts = { nats, registry, registrations, states, streams, logs, room, stores, replies };
  const kept = {
    outcomes: new KeptRecords(stores.outcomes, settings.maxRecords),
    ingestions: new KeptRecords(stores.ingestions, settings.maxRecords),
  };
  const storeTime = followStoreTime(registryBucket, nats.connection, log);
  const keysInHand = new KeysInHand(connection);
  return { ...parts, queueLimits, kept, keysInHand, keys, auditTrail, storeTime, endpointPolicy };
}

/** Asks for JetStream's time until the connection is closed. NATS tells it from 2.10 on. */
function followStoreTime(bucket: KV, connection: NatsConnection, log: Logger): StoreTime {
  const storeTime = new StoreTime(log);
  const measure = async () => {
    const sentAt = performance.now();
    const { streamInfo } = await bucket.status();
    const time = "ts" in streamInfo ? Date.parse(String(streamInfo.ts)) : Number.NaN;
    if (Number.isNaN(time)) return;
    storeTime.note({ sentAt, answeredAt: performance.now(), storeMs: time });
  };
  const timer = setInterval(() => void measure().catch(() => {}), storeTimeEveryMs);
  void measure().catch(() => {});
  void connection.closed().then(() => clearInterval(timer));
  return storeTime;
}

async function openStores(
  connection: NatsConnection,
  replicas: number,
  ask: <T>(question: () => Promise<T>) => Promise<T>,
): Promise<Stores> {
  return {
    outcomes: await ask(() => OutcomeStore.open(connection, replicas)),
    deadLetters: await ask(() => DeadLetters.open(connection, replicas)),
    ingestions: new IngestionStore(
      await ask(() => openBucket(connection, "ingestions", replicas, ingestionsKeptMs)),
    ),
    checkpoints: await ask(() => openBucket(connection, "checkpoints", replicas)),
  };
}

/** Closes what `openBackend` opened. */
export async function closeBackend(backend: Backend): Promise<void> {
  backend.streams.close();
  backend.room.store.close();
  backend.replies.close();
  backend.keysInHand.close();
  backend.states.close();
  backend.registry.close();
  backend.keys.close();
  await backend.nats.close();
}
