import type { FileProblem } from "./login.ts";
import { loginOptions, tlsOptions } from "./login.ts";
import type { NatsServers } from "./servers.ts";

/** What nats.js is given of servers, logins and TLS. Files are read anew at each connection. */
export function serverOptions({ servers, credentials, tls }: NatsServers, onProblem: FileProblem) {
  return {
    servers,
    ...loginOptions(credentials, onProblem),
    ...(tls && { tls: tlsOptions(tls, servers, onProblem) }),
  };
}
