/**
 * A KATO instance that a source has found. Its id, name and port come from labels, and are not checked yet.
 */
export interface DiscoveredInstance {
  /** What a person finds it by: `container name`, `services/namespace/name` or `pods/namespace/name`. */
  where: string;
  id: string;
  name: string;
  /**
   * `host:port`. Undefined while it cannot be called, for example because it is stopped. Its entry stays
   * then.
   */
  endpoint: string | undefined;
  /** Why it has no endpoint although it runs. */
  problem?: string;
  /** Labels of the form `kato.…` that mean nothing. They are told, because somebody meant something. */
  unknownLabels: string[];
  /** Unix ms. Of two instances with the same id the older one is registered. */
  createdAtMs: number;
}

/** Something that knows which KATO instances run, such as a Docker engine. */
export interface DiscoverySource {
  /** The `source` of the registry's entries that come from it. */
  readonly name: "docker" | "kubernetes";
  /** What is watched and where, in words for the log. */
  readonly watches: string;
  /** Lists all instances that there are now. Rejects if the list cannot be had in full. */
  list(stopping: AbortSignal): Promise<DiscoveredInstance[]>;
  /**
   * Calls `hint` whenever the list may have changed. Resolves when the connection ends. Rejects if no
   * connection can be made. Some changes may come without a hint, so only the list is reliable.
   */
  watch(hint: () => void, stopping: AbortSignal): Promise<void>;
}

/**
 * The labels of an instance, the same for every source. In Kubernetes the last two may also be annotations.
 */
export const labels = {
  id: "kato.processor.id",
  name: "kato.processor.name",
  port: "kato.grpc.port",
} as const;

/** Of the names of labels, those that look like ours and are not. */
export function unknownLabelsOf(names: readonly string[]): string[] {
  const known: readonly string[] = Object.values(labels);
  return names.filter((name) => name.startsWith("kato.") && !known.includes(name)).sort();
}

/** The port of an instance that has no label for it. */
export const defaultGrpcPort = "1441";

/** A list that takes longer has failed. */
export const listTimeoutMs = 10_000;

/** `address:port`, where an IPv6 address is put in brackets. */
export function endpointOf(address: string, port: string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
