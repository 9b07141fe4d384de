import type { NatsConnection } from "@nats-io/transport-node";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { DeadLetters } from "../../libs/commands/outcomes/dead-letters.ts";
import { IngestionStore, ingestionsKeptMs } from "../../libs/commands/outcomes/ingestion-store.ts";
import { OutcomeStore } from "../../libs/commands/outcomes/outcome-store.ts";
import { ReplyInbox } from "../../libs/commands/outcomes/reply-inbox.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { forEachConcurrently } from "../../libs/nats/for-each-concurrently.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import type { Backend, Stores } from "./fleet/backend.ts";
import { declareByAsking, declareProcessors, logDifferences } from "./fleet/declared-processors.ts";
import { KeptRecords } from "./fleet/kept-records.ts";
import { ProcessorStates } from "./fleet/processor-states.ts";
import type { GatewaySettings } from "./settings.ts";

/**
 * Connects to NATS, registers the processors of the settings, and creates a command log for each registered
 * processor. Waits for NATS as long as it takes. Returns undefined when `stopping` comes first.
 */
export async function openBackend(
  settings: GatewaySettings,
  log: Logger,
  stopping: AbortSignal,
): Promise<Backend | undefined> {
  const { processors, endpointPolicy, queueLimits, natsReplicas: replicas, logMaxBytes: maxBytes } = settings;
  const nats = await NatsLink.open({ ...settings.nats, replicas, name: "gateway", log, stopping });
  if (!nats) return undefined;
  const { connection } = nats;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
  const logs = await ask(() => CommandLogs.open(connection, { replicas, maxBytes }));
  const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
  const registry = await ask(() => Registry.open(registryBucket, connection));
  const declaring = { registry, logs, endpointPolicy, log, stopping };
  await ask(() => declareProcessors(processors, declaring));
  logDifferences(processors, declaring);
  const withLog = new Set<string>();
  const ensureLogs = () => ensureNew(registry, logs, withLog);
  await ask(ensureLogs);
  registry.onChange(() => {
    ensureLogs().catch((error) => log.error({ err: error }, "cannot create a command log"));
  });
  void declareByAsking(processors, declaring);
  const stores = await openStores(connection, replicas, ask);
  return {
    nats,
    registry,
    states: new ProcessorStates(connection),
    logs,
    replies: new ReplyInbox(connection),
    stores,
    queueLimits,
    kept: {
      outcomes: new KeptRecords(stores.outcomes, settings.maxRecords),
      ingestions: new KeptRecords(stores.ingestions, settings.maxRecords),
    },
    endpointPolicy,
  };
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

/** Creates the missing command logs. The processors in `withLog` have one; this adds to them. */
async function ensureNew(registry: Registry, logs: CommandLogs, withLog: Set<string>): Promise<void> {
  const ids = registry.list().map(({ id }) => id);
  await forEachConcurrently(
    ids.filter((id) => !withLog.has(id)),
    async (id) => {
      await logs.ensure(id);
      withLog.add(id);
    },
  );
}

/** Closes what `openBackend` opened. */
export async function closeBackend(backend: Backend): Promise<void> {
  backend.replies.close();
  backend.states.close();
  backend.registry.close();
  await backend.nats.close();
}
