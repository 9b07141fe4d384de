import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { DeadLetters } from "../../libs/commands/dead-letters.ts";
import { Ingestions, ingestionsKeptMs } from "../../libs/commands/ingestion.ts";
import { CommandLogs } from "../../libs/commands/log.ts";
import { Outcomes } from "../../libs/commands/outcomes.ts";
import { aborted, runService } from "../../libs/config/run-service.ts";
import { workerSettings } from "../../libs/config/settings.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { Registry } from "../../libs/registry/registry.ts";
import { serveHealth } from "./http.ts";
import { OutcomeRecorder } from "./outcomes.ts";
import { Worker } from "./worker.ts";

const stopWithoutNatsMs = 1_000;

await runService("worker", async ({ environment, log, stopping }) => {
  const settings = workerSettings(environment);
  const name = `${hostname()}-${process.pid}`;
  const nats = await NatsLink.open({ servers: settings.natsServers, name: `worker ${name}`, log, stopping });
  if (!nats) return;
  const { connection } = nats;
  const registry = await Registry.open(await openBucket(connection, "registry", settings.natsReplicas));
  const worker = await Worker.start({
    name,
    connection,
    logs: await CommandLogs.open(connection, {
      replicas: settings.natsReplicas,
      maxBytes: settings.logMaxBytes,
    }),
    checkpoints: await openBucket(connection, "checkpoints", settings.natsReplicas),
    ingestions: new Ingestions(
      await openBucket(connection, "ingestions", settings.natsReplicas, ingestionsKeptMs),
    ),
    outcomes: new OutcomeRecorder({
      outcomes: await Outcomes.open(connection, settings.natsReplicas),
      letters: await DeadLetters.open(connection, settings.natsReplicas),
      maxPayloadBytes: () => nats.maxPayloadBytes,
      log,
    }),
    leases: await openBucket(connection, "leases", settings.natsReplicas, settings.leaseMs),
    leaseMs: settings.leaseMs,
    registry,
    processors: settings.processors,
    callTimeoutMs: settings.callTimeoutMs,
    logHistory: settings.logHistory,
    trimEveryMs: settings.trimEveryMs,
    log,
  });
  const health = await serveHealth({ host: settings.host, port: settings.port, nats, worker });
  log.info({ host: settings.host, port: health.address.port, processors: settings.processors }, "listening");
  await aborted(stopping);
  // While NATS is away nothing can be written; whoever takes over finds out what is not.
  await (nats.connected ? worker.stop() : Promise.race([worker.stop(), sleep(stopWithoutNatsMs)]));
  registry.close();
  await health.close();
  await nats.close();
});
