import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "node:util";
import { CommandLogs } from "../../libs/commands/log/command-logs.ts";
import type { Environment } from "../../libs/config/environment.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import { Registry } from "../../libs/registry/registry.ts";
import { runService } from "../../libs/service/run-service.ts";
import { serveHealth } from "./health.ts";
import { RegistrySync } from "./registry-sync.ts";
import type { DiscoverySettings } from "./settings.ts";
import { discoverySettings } from "./settings.ts";
import { dockerSource } from "./sources/docker.ts";
import type { DiscoverySource } from "./sources/source.ts";

/** How long a stop waits for a request to JetStream that is under way. */
const stopLimitMs = 2_000;

await runService("discovery", async ({ environment, log, stopping }) => {
  const settings = discoverySettings(environment);
  const sources = await openSources(settings, environment);
  let nats: NatsLink | undefined;
  let syncs: RegistrySync[] = [];
  // Health is served before NATS is there, so that it can say that NATS is missing.
  const health = await serveHealth({ host: settings.host, port: settings.port }, () => ({
    isConnected: nats?.connected ?? false,
    sources: Object.fromEntries(sources.map(({ name }, index) => [name, syncs[index]?.state ?? null])),
  }));
  const watching = sources.map((source) => source.watches);
  log.info({ host: settings.host, port: health.address.port, watching }, "listening");

  const { natsReplicas: replicas, logLimits, endpointPolicy, listEveryMs, forgetMs } = settings;
  nats = await NatsLink.open({
    ...settings.nats,
    replicas,
    name: "discovery",
    inbox: "discovery",
    log,
    stopping,
  });
  if (nats) {
    const { connection, inboxPrefix } = nats;
    const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
    const logs = await ask(() => CommandLogs.open(connection, logLimits, { inboxPrefix }));
    const checkpoints = await ask(() => openBucket(connection, "checkpoints", replicas));
    const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
    const registry = await ask(() => Registry.open(registryBucket, connection));
    syncs = sources.map(
      (source) =>
        new RegistrySync({ source, registry, logs, checkpoints, endpointPolicy, listEveryMs, forgetMs, log }),
    );
    const running = Promise.all(syncs.map((sync) => sync.run(stopping)));
    await Promise.race([running, aborted(stopping, stopping)]);
    await Promise.race([running, sleep(stopLimitMs)]);
    registry.close();
    await nats.close();
  }
  await health.close();
});

/**
 * Makes the sources that the settings name. Throws a SettingsError if the configuration of one cannot be
 * used.
 */
async function openSources(
  settings: DiscoverySettings,
  environment: Environment,
): Promise<DiscoverySource[]> {
  const sources: DiscoverySource[] = [];
  if (settings.docker) sources.push(dockerSource(settings.docker));
  if (settings.kubernetes) {
    // Kubernetes' client takes a second and 90 MB to load, so it is loaded only where it is used.
    const { kubernetesSource } = await import("./sources/kubernetes.ts");
    try {
      sources.push(kubernetesSource(settings.kubernetes));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      environment.problem("KUBECONFIG", `cannot be used: ${reason}`);
      environment.check();
    }
  }
  return sources;
}
