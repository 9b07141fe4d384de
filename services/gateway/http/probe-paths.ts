/** Who watches the gateway is answered on these paths whatever others do. */
export const probePaths: ReadonlySet<string> = new Set(["/health", "/ready", "/kato-api/ping", "/metrics"]);
