import type { KV } from "@nats-io/kv";
import { DeadLetters } from "../../libs/commands/dead-letters.ts";
import { Ingestions, ingestionsKeptMs } from "../../libs/commands/ingestion.ts";
import { CommandLogs } from "../../libs/commands/log.ts";
import { Outcomes } from "../../libs/commands/outcomes.ts";
import { Replies } from "../../libs/commands/replies.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { eachOf } from "../../libs/nats/each-of.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import { Registry } from "../../libs/registry/registry.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";
import { askProcessors, declareProcessors, tellDifferences } from "./fleet/declared-processors.ts";
import { ProcessorStates } from "./fleet/processor-states.ts";
import type { GatewaySettings, QueueLimits } from "./settings.ts";

/** What the routes need of the rest of the system. */
export interface Backend {
  nats: NatsLink;
  registry: Registry;
  endpointPolicy: EndpointPolicy;
  states: ProcessorStates;
  logs: CommandLogs;
  replies: Replies;
  outcomes: Outcomes;
  letters: DeadLetters;
  ingestions: Ingestions;
  /** What the appliers persist, which is where they count what they have applied. */
  checkpoints: KV;
  /** What may wait for a processor. */
  queueLimits: QueueLimits;
}

/**
 * Connects to NATS, registers the processors of the settings, and sees that each processor has a command log. Waits for NATS as long as
 * it takes; undefined when `stopping` comes first.
 */
export async function openBackend(
  settings: GatewaySettings,
  log: Logger,
  stopping: AbortSignal,
): Promise<Backend | undefined> {
  const { natsReplicas: replicas, logMaxBytes: maxBytes } = settings;
  const nats = await NatsLink.open({ ...settings.nats, replicas, name: "gateway", log, stopping });
  if (!nats) return undefined;
  const { connection } = nats;
  const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
  const logs = await ask(() => CommandLogs.open(connection, { replicas, maxBytes }));
  const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
  const registry = await ask(() => Registry.open(registryBucket, connection));
  const withLog = new Set<string>();
  const ensureLogs = () => ensureNew(registry, logs, withLog);
  const { processors, endpointPolicy } = settings;
  const declaring = { registry, logs, endpointPolicy, log, stopping };
  await ask(() => declareProcessors(processors, declaring));
  tellDifferences(processors, declaring);
  await ask(ensureLogs);
  registry.onChange(() => {
    ensureLogs().catch((error) => log.error({ err: error }, "cannot create a command log"));
  });
  void askProcessors(processors, declaring);
  return {
    nats,
    registry,
    endpointPolicy,
    states: new ProcessorStates(connection),
    logs,
    replies: new Replies(connection),
    outcomes: await ask(() => Outcomes.open(connection, replicas)),
    letters: await ask(() => DeadLetters.open(connection, replicas)),
    ingestions: new Ingestions(
      await ask(() => openBucket(connection, "ingestions", replicas, ingestionsKeptMs)),
    ),
    checkpoints: await ask(() => openBucket(connection, "checkpoints", replicas)),
    queueLimits: settings.queueLimits,
  };
}

/** Sees that each processor has a command log, but asks only once for each in `withLog`, which it keeps. */
async function ensureNew(registry: Registry, logs: CommandLogs, withLog: Set<string>): Promise<void> {
  const ids = registry.list().map(({ id }) => id);
  await eachOf(
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
