import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "node:util";
import type { Environment } from "../../libs/config/environment.ts";
import { runService } from "../../libs/service/run-service.ts";
import { GatewayClient } from "./gateway-client.ts";
import { serveHealth } from "./health.ts";
import { RegistrySync } from "./registry-sync.ts";
import type { DiscoverySettings } from "./settings.ts";
import { discoverySettings } from "./settings.ts";
import { dockerSource } from "./sources/docker.ts";
import type { DiscoverySource } from "./sources/source.ts";

/** How long a stop waits for what is under way. */
const stopLimitMs = 2_000;

await runService("discovery", async ({ environment, log, stopping }) => {
  const settings = discoverySettings(environment);
  const sources = await openSources(settings, environment);
  const gateway = new GatewayClient(settings.gateway);
  const { listEveryMs, forgetMs } = settings;
  const syncs = new Map(
    sources.map((source) => [source.name, new RegistrySync({ source, gateway, listEveryMs, forgetMs, log })]),
  );
  const health = await serveHealth({ host: settings.host, port: settings.port }, () => ({
    isConnected: gateway.isReached,
    sources: Object.fromEntries([...syncs].map(([name, sync]) => [name, sync.state])),
  }));
  const watching = sources.map((source) => source.watches);
  log.info({ host: settings.host, port: health.address.port, watching }, "listening");
  const running = Promise.all([...syncs.values()].map((sync) => sync.run(stopping)));
  await Promise.race([running, aborted(stopping, stopping)]);
  await Promise.race([running, sleep(stopLimitMs)]);
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
