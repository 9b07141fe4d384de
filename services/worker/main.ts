import { hostname } from "node:os";
import { CommandLogs } from "../../libs/commands/log.ts";
import { aborted, runService } from "../../libs/config/run-service.ts";
import { workerSettings } from "../../libs/config/settings.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { Registry } from "../../libs/registry/registry.ts";
import { serveHealth } from "./http.ts";
import { Worker } from "./worker.ts";

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
    leases: await openBucket(connection, "leases", settings.natsReplicas, settings.leaseMs),
    leaseMs: settings.leaseMs,
    registry,
    processors: settings.processors,
    callTimeoutMs: settings.callTimeoutMs,
    log,
  });
  const health = await serveHealth({ host: settings.host, port: settings.port, nats, worker });
  log.info({ host: settings.host, port: health.address.port, processors: settings.processors }, "listening");
  await aborted(stopping);
  await worker.stop();
  registry.close();
  await health.close();
  await nats.close();
});
