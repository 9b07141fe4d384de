/** The first NATS whose replicated streams keep compare-and-set over a change of their leader (docs/decisions/0015). */
export const oldestForReplicas = "2.11.0";

/** Whether a NATS of this version may be asked for more than one replica. */
export function keepsReplicas(version: string): boolean {
  return version.localeCompare(oldestForReplicas, "en", { numeric: true }) >= 0;
}
