/** A KATO instance that a discovery source knows of. What its labels say is not checked yet. */
export interface Found {
  /** What people find it by: the container's name, `services/namespace/name`. */
  where: string;
  id: string;
  name: string;
  /** `host:port`; undefined where it cannot be called, as while it is stopped: its entry is kept then. */
  endpoint: string | undefined;
  /** Why something that runs has no endpoint. */
  problem?: string;
  /** Unix ms: of two with one id the older one counts. */
  createdAt: number;
}

/** What can be asked which instances there are. */
export interface DiscoverySource {
  /** Of the entries that it registers. */
  readonly name: "docker" | "kubernetes";
  /** In words, for the log: what is watched, and where. */
  readonly watches: string;
  /** All instances there are now. Rejects where they cannot be had in full. */
  list(stopping: AbortSignal): Promise<Found[]>;
  /**
   * Calls `hint` whenever a list may have changed, until the connection ends; rejects where there was none. Not every change is told:
   * the list is the truth.
   */
  watch(hint: () => void, stopping: AbortSignal): Promise<void>;
}

/** The labels by which instances are found, the same for every source; in Kubernetes the last two may be annotations. */
export const labels = {
  id: "kato.processor.id",
  name: "kato.processor.name",
  port: "kato.grpc.port",
} as const;

/** Where an instance serves gRPC when no label says so. */
export const defaultGrpcPort = "1441";

/** How long a list may take. */
export const listTimeoutMs = 10_000;

/** `host:port` of an address, which may be one of IPv6. */
export function endpointOf(address: string, port: string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
