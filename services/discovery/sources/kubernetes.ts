import type {
  ConfigurationOptions,
  ObservableMiddleware,
  V1ObjectMeta,
  V1Pod,
  V1Service,
} from "@kubernetes/client-node";
import { CoreV1Api, KubeConfig, Observable, Watch } from "@kubernetes/client-node";
import type { DiscoveredInstance, DiscoverySource } from "./source.ts";
import { defaultGrpcPort, endpointOf, labels, listTimeoutMs, unknownLabelsOf } from "./source.ts";

/** Which Kubernetes cluster to ask, and for what. */
export interface KubernetesOptions {
  /** The kubeconfig file to use. Undefined: the cluster that this process runs in. */
  kubeconfig: string | undefined;
  /** Undefined: the namespace of the kubeconfig's current context, else `default`. */
  namespace: string | undefined;
  /** Which kind of object is an instance. */
  kind: "services" | "pods";
}

/** The server ends a watch after this time. */
const watchSeconds = 300;
/** In characters. */
const maxErrorLength = 500;

/**
 * The Services or Pods of one namespace that have a label `kato.processor.id`. Discovery needs the rights
 * `list` and `watch` for that kind in that namespace. Throws if the kubeconfig cannot be read or names no
 * cluster.
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
 * Invariant: a watch starts at `#resourceVersion`, which is no newer than the last list. So no change between
 * the list and the watch is missed. It is undefined after the server has said that it does not have that
 * version any more. A watch without a version begins with an event for every object that exists.
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

  async list(stopping: AbortSignal): Promise<DiscoveredInstance[]> {
    const options = cancelledBy(AbortSignal.any([stopping, AbortSignal.timeout(listTimeoutMs)]));
    const request = { namespace: this.#namespace, labelSelector: labels.id };
    try {
      if (this.#kind === "services") {
        const { items, metadata } = await this.#api.listNamespacedService(request, options);
        this.#resourceVersion = metadata?.resourceVersion;
        return items.map(instanceOfService);
      }
      const { items, metadata } = await this.#api.listNamespacedPod(request, options);
      this.#resourceVersion = metadata?.resourceVersion;
      return items.map(instanceOfPod);
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
    // 410 Gone: the server does not have that version any more.
    if (codeOf(error) === 410) {
      this.#resourceVersion = undefined;
      hint();
    } else if (error && !isTimeout(error)) {
      throw errorOf(`watching ${this.#kind}`, error);
    }
  }
}

/**
 * A Service is called by its name, which stays the same when its Pod is replaced. A Service has to stand for
 * one instance, so it may select no more than one Pod at a time.
 */
function instanceOfService({ metadata = {} }: V1Service): DiscoveredInstance {
  const { id, name, port, unknownLabels } = readLabels(metadata);
  return {
    where: `services/${metadata.namespace}/${metadata.name}`,
    id,
    name,
    endpoint: endpointOf(`${metadata.name}.${metadata.namespace}.svc`, port),
    unknownLabels,
    createdAtMs: metadata.creationTimestamp?.getTime() ?? 0,
  };
}

/** A Pod is called at its IP address, as long as it runs and is not being deleted. */
function instanceOfPod({ metadata = {}, status }: V1Pod): DiscoveredInstance {
  const { id, name, port, unknownLabels } = readLabels(metadata);
  const isRunning = status?.phase === "Running" && metadata.deletionTimestamp === undefined;
  return {
    where: `pods/${metadata.namespace}/${metadata.name}`,
    id,
    name,
    endpoint: isRunning && status.podIP ? endpointOf(status.podIP, port) : undefined,
    unknownLabels,
    createdAtMs: metadata.creationTimestamp?.getTime() ?? 0,
  };
}

function readLabels(metadata: V1ObjectMeta) {
  const all = { ...metadata.labels, ...metadata.annotations };
  // The id cannot be an annotation: Kubernetes selects objects only by label.
  const id = metadata.labels?.[labels.id] ?? "";
  const unknownLabels = unknownLabelsOf(Object.keys(all));
  return { id, name: all[labels.name] || id, port: all[labels.port] || defaultGrpcPort, unknownLabels };
}

/** Options that cancel a request of the client when the signal is aborted. */
function cancelledBy(signal: AbortSignal): ConfigurationOptions<ObservableMiddleware> {
  const middleware: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(signal);
      return new Observable(Promise.resolve(request));
    },
    post: (response) => new Observable(Promise.resolve(response)),
  };
  return { middleware: [middleware], middlewareMergeStrategy: "append" };
}

/**
 * The HTTP status of an error. A Status object and the error of a list have it as `code`, the error of a
 * watch has it as `statusCode`.
 */
function codeOf(error: unknown): unknown {
  return propertyOf(error, "code") ?? propertyOf(error, "statusCode");
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Whether this is how the client ends a watch when nothing comes for some time. That is no failure. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === "TimeoutError";
}

/** An error that says in one line what failed and why. */
function errorOf(what: string, error: unknown): Error {
  const cause = propertyOf(error, "cause");
  const message = messageOf(propertyOf(error, "body")) ?? propertyOf(error, "message");
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  const text = `${what} of Kubernetes: ${codeOf(error) ?? ""} ${message}${why}`;
  return new Error(text.replace(/\s+/g, " ").slice(0, maxErrorLength), { cause: error });
}

/**
 * What the server says in the body of a list that failed. The body is a Status object, perhaps as text.
 * Undefined if there is no body.
 */
function messageOf(body: unknown): unknown {
  if (body === undefined) return undefined;
  try {
    const status: unknown = typeof body === "string" ? JSON.parse(body) : body;
    return propertyOf(status, "message") ?? body;
  } catch {
    return body;
  }
}
