import { hostname } from "node:os";
import { aborted } from "node:util";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import { LogIdentity } from "../../libs/commands/log/log-identity.ts";
import { DeadLetters } from "../../libs/commands/outcomes/dead-letters.ts";
import { IngestionStore, ingestionsKeptMs } from "../../libs/commands/outcomes/ingestion-store.ts";
import { OutcomeStore } from "../../libs/commands/outcomes/outcome-store.ts";
import { instanceContext } from "../../libs/kato/instance-tls.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { withCheapUpdates } from "../../libs/nats/cheap-updates.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { StoreRoom } from "../../libs/nats/store-room.ts";
import { StoreTime } from "../../libs/nats/store-time.ts";
import { StreamKeeper } from "../../libs/nats/stream-keeper.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import { Registry } from "../../libs/registry/registry.ts";
import type { ServiceContext } from "../../libs/service/run-service.ts";
import { runService } from "../../libs/service/run-service.ts";
import { startTracing } from "../../libs/telemetry/start-tracing.ts";
import { LateCallBoard } from "./assignment/late-call-board.ts";
import { openLeases } from "./assignment/lease-bucket.ts";
import { limitDeadLetters } from "./dead-letter-limit.ts";
import { serveWorker } from "./http-port.ts";
import { clockWith } from "./model/clock.ts";
import { OutcomeRecorder } from "./outcomes/outcome-recorder.ts";
import { answerRemovals } from "./removals.ts";
import { workerSettings } from "./settings.ts";
import { lateCallsKeptMs, wantedStreams } from "./wanted-streams.ts";
import { Worker } from "./worker.ts";
import type { WorkerContext } from "./worker-context.ts";

/** A worker, until it is told to stop. */
export async function runWorker({ environment, log, stopping }: ServiceContext): Promise<void> {
  const settings = workerSettings(environment);
  const tracing = await startTracing(settings.tracing, "kato-worker", log);
  const name = `${hostname()}-${process.pid}`;
  const { natsReplicas: replicas, logLimits, leaseMs } = settings;
  let nats: NatsLink | undefined;
  let worker: Worker | undefined;
  const served = await serveWorker({
    host: settings.host,
    port: settings.port,
    facts: () => ({ connected: nats?.connected ?? false, worker }),
  });
  log.info({ host: settings.host, port: served.address.port, processors: settings.processors }, "listening");
  nats = await NatsLink.open({
    ...settings.nats,
    replicas,
    name: `worker ${name}`,
    inbox: "worker",
    log,
    stopping,
  });
  if (!nats) return served.close();
  const { connection, inboxPrefix } = nats;
  const storeTime = new StoreTime(log);
  const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
  const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
  const registry = await ask(() => Registry.open(registryBucket, connection));
  const room = await StoreRoom.open({ ...settings.room, connection, replicas, log });
  const letters = await ask(() => DeadLetters.open(connection, replicas));
  await limitDeadLetters(letters, room, log);
  const outcomes = new OutcomeRecorder({
    outcomes: await ask(() => OutcomeStore.open(connection, replicas)),
    letters,
    maxPayloadBytes: () => nats.maxPayloadBytes,
    isShort: () => ["short", "spent"].includes(room.stateWith()),
    clock: clockWith(storeTime),
    log,
  });
  const context: WorkerContext = {
    name,
    nats,
    room,
    stores: {
      logs: await ask(() => CommandLogs.open(connection, logLimits, { room, inboxPrefix, mayUpdate: true })),
      identity: await ask(() => LogIdentity.open(connection)),
      checkpoints: withCheapUpdates(
        await ask(() => openBucket(connection, "checkpoints", replicas)),
        "checkpoints",
        nats,
      ),
      ingestions: new IngestionStore(
        await ask(() => openBucket(connection, "ingestions", replicas, ingestionsKeptMs)),
      ),
      outcomes,
      lateCalls: await ask(async () =>
        LateCallBoard.open(await openBucket(connection, "lateCalls", replicas, lateCallsKeptMs), log),
      ),
      leases: await ask(() => openLeases({ connection, inboxPrefix }, replicas, leaseMs, log)),
      registry,
    },
    settings,
    instanceContext: instanceContext(settings.instanceTls, log),
    tracing,
    log,
    storeTime,
  };
  worker = await ask(() => Worker.start(context));
  const removals = answerRemovals(context, letters);
  const { lateCalls } = context.stores;
  const streams = new StreamKeeper({
    connection,
    wanted: () => wantedStreams(context, worker),
    onComplete: async () => {
      await Promise.all([registry.refresh(), lateCalls.refresh(), worker?.restoreCheckpoints()]);
    },
    log,
  });
  await aborted(stopping, stopping);
  await worker.stop();
  removals.unsubscribe();
  streams.close();
  room.close();
  registry.close();
  await served.close();
  await nats.close();
  await tracing?.close();
}

// Tests import it, and run it in their own process.
if (import.meta.main) await runService("worker", runWorker);
