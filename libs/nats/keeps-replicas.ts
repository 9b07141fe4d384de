/**
 * The oldest NATS whose replicated streams keep compare-and-set when their leader changes
 * (docs/decisions/0015).
 */
export const oldestForReplicas = "2.11.0";

/** Whether a NATS of this version is recent enough for more than one replica. */
export function keepsReplicas(version: string): boolean {
  return version.localeCompare(oldestForReplicas, "en", { numeric: true }) >= 0;
}
