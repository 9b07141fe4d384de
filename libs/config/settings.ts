import type { Declaration } from "../registry/declaration.ts";
import type { DockerAddress, DockerOptions } from "../registry/docker.ts";
import type { EndpointPolicy } from "../registry/endpoint-policy.ts";
import { endpointPolicy } from "../registry/endpoint-policy.ts";
import { processorsOfEnvironment } from "../registry/environment.ts";
import { processorsOfFile } from "../registry/file.ts";
import type { KubernetesOptions } from "../registry/kubernetes.ts";
import type { Environment } from "./environment.ts";
import type { NatsServers } from "./nats-servers.ts";
import { natsServers } from "./nats-servers.ts";
import type { TracingSettings } from "./tracing-settings.ts";
import { tracingSettings } from "./tracing-settings.ts";

/** What every service is told. */
export interface CommonSettings {
  nats: NatsServers;
  /** Replicas of every stream and bucket that is created. */
  natsReplicas: number;
  /** Bytes one processor's command log may hold, -1 for no limit but the server's. */
  logMaxBytes: number;
  /** Which endpoints may be connected to. */
  endpointPolicy: EndpointPolicy;
}

/** What may wait for one processor before commands are refused. */
export interface QueueLimits {
  /** Commands that are not applied. */
  maxDepth: number;
  /** How long the oldest of them has waited; -1 for no limit. */
  maxAgeMs: number;
}

export interface GatewaySettings extends CommonSettings {
  host: string;
  port: number;
  /** Each id once: what the environment says of it wins over the file. */
  processors: Declaration[];
  queueLimits: QueueLimits;
  /** How long it goes on serving after it was told to stop, not ready any more. */
  stopGraceMs: number;
  /** How spans are recorded; undefined where they are not. */
  tracing: TracingSettings | undefined;
  /** The header in which a proxy that authenticates clients names them, in lower case. */
  principalHeader: string | undefined;
  /** A body that is not JSON is answered as the old front end did, with a 500 (docs/api.md). */
  legacyErrors: boolean;
}

export interface WorkerSettings extends CommonSettings {
  host: string;
  port: number;
  /** How spans are recorded; undefined where they are not. */
  tracing: TracingSettings | undefined;
  /** The ids whose appliers this worker runs, or `*` for all. */
  processors: string[] | "*";
  /** How long a lease lives that is not renewed: another worker takes over a dead one's processors after that. */
  leaseMs: number;
  /** How many applied commands a log keeps, besides those that a rebuild needs. */
  logHistory: number;
  /** For how many hours it keeps them at most, 0 for no limit. */
  logHistoryHours: number;
  /** How often the logs are trimmed to that. */
  trimEveryMs: number;
  /** The longest a call to an instance may take. */
  callTimeoutMs: number;
}

export interface DiscoverySettings extends CommonSettings {
  host: string;
  port: number;
  /** Where to look; at least one of them. */
  docker: DockerOptions | undefined;
  kubernetes: KubernetesOptions | undefined;
  /** How often each is asked for all that it has. */
  listEveryMs: number;
  /** How long something is missing before it is withdrawn. */
  forgetMs: number;
}

const anyPort = { min: 0, max: 65_535 };

function commonSettings(environment: Environment): CommonSettings {
  return {
    nats: natsServers(environment),
    natsReplicas: environment.integer("NATS_REPLICAS", 1, { min: 1, max: 5 }),
    logMaxBytes: environment.integer("LOG_MAX_BYTES", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
    endpointPolicy: endpointPolicy(environment.list("ENDPOINT_ALLOW", ""), (what) =>
      environment.problem("ENDPOINT_ALLOW", what),
    ),
  };
}

/** Throws a SettingsError that names every wrong setting. */
export function gatewaySettings(environment: Environment): GatewaySettings {
  const settings = {
    ...commonSettings(environment),
    host: environment.text("GATEWAY_HOST", "0.0.0.0"),
    port: environment.integer("GATEWAY_PORT", 8000, anyPort),
    processors: declaredProcessors(environment),
    queueLimits: {
      maxDepth: environment.integer("QUEUE_MAX_DEPTH", 10_000_000, { min: 1, max: Number.MAX_SAFE_INTEGER }),
      maxAgeMs: environment.integer("QUEUE_MAX_AGE_MS", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
    },
    stopGraceMs: environment.integer("GATEWAY_STOP_GRACE_MS", 0, { min: 0, max: 600_000 }),
    tracing: tracingSettings(environment),
    principalHeader: environment.text("PRINCIPAL_HEADER", "").toLowerCase() || undefined,
    legacyErrors: environment.flag("GATEWAY_LEGACY_ERRORS"),
  };
  environment.check();
  return settings;
}

function declaredProcessors(environment: Environment): Declaration[] {
  const problem = (setting: string, what: string) => environment.problem(setting, what);
  const ofEnvironment = processorsOfEnvironment(environment.variables, problem);
  const named = new Set(ofEnvironment.map(({ id }) => id).filter((id) => id !== undefined));
  const ofFile = processorsOfFile(environment.fileProcessors, problem);
  return [...ofEnvironment, ...ofFile.filter(({ id }) => id === undefined || !named.has(id))];
}

/** Throws a SettingsError that names every setting whose endpoint may not be connected to. */
export async function checkEndpoints(
  environment: Environment,
  { processors, endpointPolicy }: GatewaySettings,
): Promise<void> {
  const refusals = await Promise.all(processors.map(({ grpc_endpoint }) => endpointPolicy(grpc_endpoint)));
  processors.forEach(({ setting }, index) => {
    const refusal = refusals[index];
    if (refusal !== undefined)
      environment.problem(setting, `names an endpoint that is not allowed: ${refusal}`);
  });
  environment.check();
}

/** Throws a SettingsError that names every wrong setting. */
export function workerSettings(environment: Environment): WorkerSettings {
  const processors = environment.list("WORKER_PROCESSORS", "*");
  const settings = {
    ...commonSettings(environment),
    host: environment.text("WORKER_HOST", "0.0.0.0"),
    port: environment.integer("WORKER_PORT", 9464, anyPort),
    processors: processors.includes("*") ? ("*" as const) : processors,
    tracing: tracingSettings(environment),
    leaseMs: environment.integer("LEASE_MS", 3_000, { min: 500, max: 600_000 }),
    logHistory: environment.integer("LOG_HISTORY", 100_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    logHistoryHours: environment.integer("LOG_HISTORY_HOURS", 0, { min: 0, max: 87_600 }),
    trimEveryMs: environment.integer("LOG_TRIM_MS", 10_000, { min: 100, max: 3_600_000 }),
    callTimeoutMs: environment.integer("CALL_TIMEOUT_MS", 300_000, { min: 1, max: 3_600_000 }),
  };
  environment.check();
  return settings;
}

/** Throws a SettingsError that names every wrong setting. */
export function discoverySettings(environment: Environment): DiscoverySettings {
  const sources = environment.list("DISCOVERY", "");
  if (sources.length === 0 || sources.some((source) => !["docker", "kubernetes"].includes(source))) {
    const text = environment.text("DISCOVERY", "");
    environment.problem(
      "DISCOVERY",
      `must be docker, kubernetes or both with a comma between, not "${text}"`,
    );
  }
  const settings = {
    ...commonSettings(environment),
    host: environment.text("DISCOVERY_HOST", "0.0.0.0"),
    port: environment.integer("DISCOVERY_PORT", 9465, anyPort),
    docker: sources.includes("docker") ? dockerOptions(environment) : undefined,
    kubernetes: sources.includes("kubernetes") ? kubernetesOptions(environment) : undefined,
    listEveryMs: environment.integer("DISCOVERY_LIST_MS", 30_000, { min: 100, max: 3_600_000 }),
    forgetMs: environment.integer("DISCOVERY_FORGET_MS", 60_000, { min: 0, max: 86_400_000 }),
  };
  environment.check();
  return settings;
}

function dockerOptions(environment: Environment): DockerOptions {
  const text = environment.text("DOCKER_HOST", "unix:///var/run/docker.sock");
  const network = environment.text("DOCKER_NETWORK", "") || undefined;
  const address = dockerAddress(text);
  if (!address) {
    environment.problem("DOCKER_HOST", `must be unix:///path or tcp://host:port, not "${text}"`);
  }
  return { address: address ?? { socketPath: text }, network };
}

const dockerPort = 2375;

function dockerAddress(text: string): DockerAddress | undefined {
  if (/^unix:\/\/\/./.test(text)) return { socketPath: text.slice("unix://".length) };
  if (!/^tcp:\/\/[^/]+\/?$/.test(text) || !URL.canParse(text)) return undefined;
  const { hostname, port } = new URL(text);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || dockerPort };
}

function kubernetesOptions(environment: Environment): KubernetesOptions {
  const kubeconfig = environment.text("KUBECONFIG", "") || undefined;
  if (!kubeconfig && !environment.text("KUBERNETES_SERVICE_HOST", "")) {
    environment.problem("KUBECONFIG", "must name a file, as this is not running in a Kubernetes cluster");
  }
  return {
    kubeconfig,
    namespace: environment.text("KUBERNETES_NAMESPACE", "") || undefined,
    kind: environment.choice("KUBERNETES_KIND", ["services", "pods"], "services"),
  };
}
