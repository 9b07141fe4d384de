import type {
  ConfigurationOptions,
  ObservableMiddleware,
  V1ObjectMeta,
  V1Pod,
  V1Service,
} from "@kubernetes/client-node";
import { CoreV1Api, KubeConfig, Observable, Watch } from "@kubernetes/client-node";
import type { DiscoverySource, Found } from "./source.ts";
import { defaultGrpcPort, endpointOf, labels, listTimeoutMs } from "./source.ts";

export interface KubernetesOptions {
  /** The file that says where the cluster is; undefined: the one that this process runs in. */
  kubeconfig: string | undefined;
  /** Undefined: the one that the configuration names. */
  namespace: string | undefined;
  /** What stands for an instance. */
  kind: "services" | "pods";
}

/** How long the server keeps a watch. */
const watchSeconds = 300;
const maxErrorLength = 500;

/**
 * The Services or Pods with a `kato.processor.id` label in one namespace. Needs `list` and `watch` of that kind there.
 *
 * Throws where the configuration cannot be read.
 */
export function kubernetesSource(options: KubernetesOptions): DiscoverySource {
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromCluster();
  else config.loadFromFile(options.kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error("its current context names no cluster");
  const context = config.getContextObject(config.getCurrentContext());
  return new KubernetesSource(
    config,
    server,
    options.kind,
    options.namespace ?? context?.namespace ?? "default",
  );
}

/**
 * Invariant: a watch starts at `#resourceVersion`, which is at most as new as the last list, so that no change between the two is missed;
 * undefined where the server has forgotten that version. A watch without one is told of everything there is first.
 */
class KubernetesSource implements DiscoverySource {
  readonly name = "kubernetes";
  readonly watches: string;
  readonly #api: CoreV1Api;
  readonly #watch: Watch;
  readonly #kind: KubernetesOptions["kind"];
  readonly #namespace: string;
  #resourceVersion: string | undefined;

  constructor(config: KubeConfig, server: string, kind: KubernetesOptions["kind"], namespace: string) {
    this.watches = `${kind} in the namespace ${namespace} of the Kubernetes cluster at ${server}`;
    this.#api = config.makeApiClient(CoreV1Api);
    this.#watch = new Watch(config);
    this.#kind = kind;
    this.#namespace = namespace;
  }

  async list(stopping: AbortSignal): Promise<Found[]> {
    const options = limitedBy(AbortSignal.any([stopping, AbortSignal.timeout(listTimeoutMs)]));
    const request = { namespace: this.#namespace, labelSelector: labels.id };
    try {
      if (this.#kind === "services") {
        const { items, metadata } = await this.#api.listNamespacedService(request, options);
        this.#resourceVersion = metadata?.resourceVersion;
        return items.map(foundOfService);
      }
      const { items, metadata } = await this.#api.listNamespacedPod(request, options);
      this.#resourceVersion = metadata?.resourceVersion;
      return items.map(foundOfPod);
    } catch (error) {
      throw errorOf(`listing ${this.#kind}`, error);
    }
  }

  async watch(hint: () => void, stopping: AbortSignal): Promise<void> {
    const path = `/api/v1/namespaces/${encodeURIComponent(this.#namespace)}/${this.#kind}`;
    const query = {
      labelSelector: labels.id,
      allowWatchBookmarks: true,
      timeoutSeconds: watchSeconds,
      resourceVersion: this.#resourceVersion,
    };
    const ended = Promise.withResolvers<unknown>();
    const onEvent = (type: string, object: { metadata?: V1ObjectMeta }) => {
      if (type === "ERROR") {
        ended.resolve(object);
        return;
      }
      this.#resourceVersion = object.metadata?.resourceVersion;
      if (type !== "BOOKMARK") hint();
    };
    const connection = await this.#watch.watch(path, query, onEvent, ended.resolve);
    const stop = () => ended.resolve(undefined);
    stopping.addEventListener("abort", stop);
    if (stopping.aborted) stop();
    const error = await ended.promise;
    stopping.removeEventListener("abort", stop);
    connection.abort();
    if (codeOf(error) === 410) {
      this.#resourceVersion = undefined;
      hint();
    } else if (error && !isSilence(error)) {
      throw errorOf(`watching ${this.#kind}`, error);
    }
  }
}

/**
 * A Service is called by its name in the cluster, which stays when it is made anew. So it has to stand for one instance: it may select
 * no more than one Pod at a time.
 */
function foundOfService({ metadata = {} }: V1Service): Found {
  const { id, name, port } = labelled(metadata);
  return {
    where: `services/${metadata.namespace}/${metadata.name}`,
    id,
    name,
    endpoint: endpointOf(`${metadata.name}.${metadata.namespace}.svc`, port),
    createdAt: metadata.creationTimestamp?.getTime() ?? 0,
  };
}

/** A Pod is called at its address, for as long as it runs and nobody has deleted it. */
function foundOfPod({ metadata = {}, status }: V1Pod): Found {
  const { id, name, port } = labelled(metadata);
  const isRunning = status?.phase === "Running" && metadata.deletionTimestamp === undefined;
  return {
    where: `pods/${metadata.namespace}/${metadata.name}`,
    id,
    name,
    endpoint: isRunning && status.podIP ? endpointOf(status.podIP, port) : undefined,
    createdAt: metadata.creationTimestamp?.getTime() ?? 0,
  };
}

function labelled(metadata: V1ObjectMeta): { id: string; name: string; port: string } {
  const all = { ...metadata.labels, ...metadata.annotations };
  // Only labels can be selected by.
  const id = metadata.labels?.[labels.id] ?? "";
  return { id, name: all[labels.name] || id, port: all[labels.port] || defaultGrpcPort };
}

/** What has a request of the client end with the signal. */
function limitedBy(signal: AbortSignal): ConfigurationOptions<ObservableMiddleware> {
  const middleware: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(signal);
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: "append" };
}

/** The HTTP status of an error, wherever it stands: in a Status object, in what a list throws, in what a watch ends with. */
function codeOf(error: unknown): unknown {
  const { code, statusCode } = Object(error) as Record<string, unknown>;
  return code ?? statusCode;
}

/** The client ends a watch that nothing is heard of. */
function isSilence(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** The error with what a person needs of it in one line. */
function errorOf(what: string, error: unknown): Error {
  const { body, message, cause } = Object(error) as Record<string, unknown>;
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  const text = `${what} of Kubernetes: ${codeOf(error) ?? ""} ${messageOf(body) ?? message}${why}`;
  return new Error(text.replace(/\s+/g, " ").slice(0, maxErrorLength), { cause: error });
}

/** What the server says in the body of a list that failed, a Status object; undefined where there is none. */
function messageOf(body: unknown): unknown {
  if (body === undefined) return undefined;
  try {
    const status: unknown = typeof body === "string" ? JSON.parse(body) : body;
    return (Object(status) as Record<string, unknown>).message ?? body;
  } catch {
    return body;
  }
}
