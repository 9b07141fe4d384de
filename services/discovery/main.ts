import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "node:util";
import { CommandLogs } from "../../libs/commands/log.ts";
import type { Environment } from "../../libs/config/environment.ts";
import { openBucket } from "../../libs/nats/buckets.ts";
import { NatsLink } from "../../libs/nats/connection.ts";
import { untilAnswered } from "../../libs/nats/until-answered.ts";
import { Registry } from "../../libs/registry/registry.ts";
import { runService } from "../../libs/service/run-service.ts";
import { Follower } from "./follower.ts";
import { serveHealth } from "./http.ts";
import type { DiscoverySettings } from "./settings.ts";
import { discoverySettings } from "./settings.ts";
import { dockerSource } from "./sources/docker.ts";
import type { DiscoverySource } from "./sources/source.ts";

/** What may be under way at a stop and be waited for: an answer of JetStream. */
const stopLimitMs = 2_000;

await runService("discovery", async ({ environment, log, stopping }) => {
  const settings = discoverySettings(environment);
  const sources = await openSources(settings, environment);
  let nats: NatsLink | undefined;
  let followers: Follower[] = [];
  const health = await serveHealth({
    host: settings.host,
    port: settings.port,
    health: () => healthOf(sources, followers, nats?.connected ?? false),
  });
  const watching = sources.map((source) => source.watches);
  log.info({ host: settings.host, port: health.address.port, watching }, "listening");

  const { natsReplicas: replicas, logMaxBytes: maxBytes, endpointPolicy, listEveryMs, forgetMs } = settings;
  nats = await NatsLink.open({ ...settings.nats, replicas, name: "discovery", log, stopping });
  if (nats) {
    const { connection } = nats;
    const ask = <T>(question: () => Promise<T>) => untilAnswered(question, { log, stopping });
    const logs = await ask(() => CommandLogs.open(connection, { replicas, maxBytes }));
    const checkpoints = await ask(() => openBucket(connection, "checkpoints", replicas));
    const registryBucket = await ask(() => openBucket(connection, "registry", replicas));
    const registry = await ask(() => Registry.open(registryBucket, connection));
    followers = sources.map(
      (source) =>
        new Follower({ source, registry, logs, checkpoints, endpointPolicy, listEveryMs, forgetMs, log }),
    );
    const running = Promise.all(followers.map((follower) => follower.run(stopping)));
    await Promise.race([running, aborted(stopping, stopping)]);
    await Promise.race([running, sleep(stopLimitMs)]);
    registry.close();
    await nats.close();
  }
  await health.close();
});

/** Throws a SettingsError where a source's own configuration cannot be used. */
async function openSources(
  settings: DiscoverySettings,
  environment: Environment,
): Promise<DiscoverySource[]> {
  const sources: DiscoverySource[] = [];
  if (settings.docker) sources.push(dockerSource(settings.docker));
  if (settings.kubernetes) {
    // Only where it is wanted: its client takes a second and 90 MB to load.
    const { kubernetesSource } = await import("./sources/kubernetes.ts");
    try {
      sources.push(kubernetesSource(settings.kubernetes));
    } catch (error) {
      environment.problem("KUBECONFIG", `cannot be used: ${(error as Error).message}`);
      environment.check();
    }
  }
  return sources;
}

/** Healthy is discovery that can see its sources and change the registry. */
function healthOf(sources: DiscoverySource[], followers: Follower[], isConnected: boolean) {
  const states = Object.fromEntries(
    sources.map(({ name }, index) => [name, followers[index]?.state ?? null]),
  );
  const unseen = sources.filter((_, index) => {
    const state = followers[index]?.state;
    return !state?.listed || state.failure !== undefined;
  });
  const [first] = unseen;
  const status = !isConnected ? "no NATS" : first ? `no list of ${first.name}` : "healthy";
  return { isHealthy: status === "healthy", body: { status, sources: states } };
}
