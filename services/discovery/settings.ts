import { readFileSync } from "node:fs";
import type { Environment } from "../../libs/config/environment.ts";
import { anyPort } from "../../libs/config/environment.ts";
import type { GatewayClientOptions } from "./gateway-client.ts";
import type { DockerAddress, DockerOptions } from "./sources/docker.ts";
import type { KubernetesOptions } from "./sources/kubernetes.ts";

/** The settings of discovery; docs/operating.md, "Settings". */
export interface DiscoverySettings {
  /** The gateways, over which it registers what it finds. */
  gateway: GatewayClientOptions;
  host: string;
  port: number;
  /** Which sources to ask: at least one of these two is there. */
  docker: DockerOptions | undefined;
  kubernetes: KubernetesOptions | undefined;
  /** How often each source is asked for a full list. */
  listEveryMs: number;
  /** How long an instance has to be missing from the lists before its entry is withdrawn. */
  forgetMs: number;
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
    gateway: gatewayOptions(environment),
    host: environment.host("DISCOVERY_HOST", "0.0.0.0"),
    port: environment.integer("DISCOVERY_PORT", 9465, anyPort),
    docker: sources.includes("docker") ? dockerOptions(environment) : undefined,
    kubernetes: sources.includes("kubernetes") ? kubernetesOptions(environment) : undefined,
    listEveryMs: environment.integer("DISCOVERY_LIST_MS", 30_000, { min: 100, max: 3_600_000 }),
    forgetMs: environment.integer("DISCOVERY_FORGET_MS", 60_000, { min: 0, max: 86_400_000 }),
  };
  environment.check();
  return settings;
}

function gatewayOptions(environment: Environment): GatewayClientOptions {
  const urls = environment.list("GATEWAY_URL", "http://127.0.0.1:8000");
  for (const url of urls) {
    // What has an @ may have a password.
    const value = url.includes("@") ? "with a user" : `"${url}"`;
    if (!isBaseUrl(url)) environment.problem("GATEWAY_URL", `must be like https://host:8000, not ${value}`);
  }
  if (urls.length === 0) environment.problem("GATEWAY_URL", "names no gateway");
  return {
    urls,
    keyFile: readableFile(environment, "GATEWAY_KEY_FILE"),
    caFile: readableFile(environment, "GATEWAY_CA_FILE"),
  };
}

function isBaseUrl(text: string): boolean {
  return /^https?:\/\/[^@?#]+$/.test(text) && URL.canParse(text);
}

/** The path of a file that has to be there already, and is read again whenever it is used. */
function readableFile(
  environment: Environment,
  name: "GATEWAY_KEY_FILE" | "GATEWAY_CA_FILE",
): string | undefined {
  const path = environment.text(name, "");
  if (path === "") return undefined;
  try {
    if (readFileSync(path, "utf8").trim() === "") environment.problem(name, `names ${path}, which is empty`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    environment.problem(name, `names a file that cannot be read: ${reason}`);
  }
  return path;
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
