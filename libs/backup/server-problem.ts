import { supportsReplicas } from "../nats/connection.ts";
import { isAtLeast } from "../nats/servers.ts";

/**
 * Why a backup that was made with one version of nats-server cannot be restored with another, with so many
 * replicas, in words; undefined if it can. An older server than that of the backup takes a snapshot without an
 * error, and then misreads it.
 */
export function serverProblem(madeWith: string, version: string, replicas: number): string | undefined {
  if (!isAtLeast(minorOf(version), minorOf(madeWith))) {
    return `the backup was made with NATS ${madeWith}, and this is ${version}, which would misread its logs`;
  }
  if (replicas > 1 && !supportsReplicas(version)) {
    return `NATS ${version} is too old for ${replicas} replicas: set NATS_REPLICAS=1`;
  }
  return undefined;
}

const minorOf = (version: string) => version.split(".").slice(0, 2).join(".");
