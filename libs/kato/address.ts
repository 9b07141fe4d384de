/** The two parts of an endpoint (`host:port`). The host is a name, or an address without brackets. */
export function addressOf(endpoint: string): { host: string; port: number } {
  const { hostname, port } = new URL(`tcp://${endpoint}`);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) };
}
