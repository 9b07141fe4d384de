import type { AddressInfo } from "node:net";
import { serveHttp } from "../../libs/service/serve-http.ts";
import type { SyncState } from "./registry-sync.ts";

/** What the health of discovery depends on, as it is now. */
export interface HealthInputs {
  /** Whether a gateway has told the registry, the last time it was asked. */
  isConnected: boolean;
  /** By source, in the order of the settings. */
  sources: Record<string, SyncState>;
}

/**
 * Serves GET /health on discovery's own port. The answer is a 200 while a gateway is reached and the latest list
 * of every source succeeded, otherwise a 503 whose `status` names what is missing. Rejects if it cannot
 * listen.
 */
export function serveHealth(
  address: { host: string; port: number },
  inputs: () => HealthInputs,
): Promise<{ address: AddressInfo; close: () => Promise<void> }> {
  return serveHttp(address, (request, response) => {
    if (request.url !== "/health") {
      response.writeHead(404).end();
      return;
    }
    const { isConnected, sources } = inputs();
    const status = statusOf(isConnected, sources);
    response.writeHead(status === "healthy" ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ status, sources }));
  });
}

function statusOf(isConnected: boolean, sources: HealthInputs["sources"]): string {
  if (!isConnected) return "no gateway";
  const unlisted = Object.entries(sources).find(
    ([, { listed, failure }]) => listed === null || failure !== undefined,
  );
  return unlisted ? `no list of ${unlisted[0]}` : "healthy";
}
