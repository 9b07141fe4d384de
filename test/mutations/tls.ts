import type { Mutations } from "./mutation.ts";

/** TLS of the gateway, with NATS and with instances: what is verified, and files that change. */
export const tls: Mutations = {
  "libs/config/keeping-last.ts": [
    {
      breaks: "a file that cannot be read any more ends the connection for good",
      find: "if (!last) throw error;",
      replace: "throw error;",
    },
  ],
  "libs/nats/login.ts": [
    {
      breaks: "a certificate for localhost does for every NATS that is an address",
      find: 'const isUnnamed = host === "localhost" && hosts.some((each) => isIP(each));',
      replace: "const isUnnamed = false;",
    },
  ],
  "libs/kato/instance-tls.ts": [
    {
      breaks: "a certificate for localhost does for every instance that is an address",
      find: "host: this.#host,",
      replace: "",
    },
  ],
  "libs/kato/open-connection.ts": [
    {
      breaks: "a closed channel leaves its connection to a server that is silent, in TLS or without",
      find: "const abort = () => socket.destroy();",
      replace: "const abort = () => {};",
    },
  ],
  "services/gateway/http/tls.ts": [
    {
      breaks: "a client without a valid certificate gets no connection",
      find: "rejectUnauthorized: false",
      replace: "rejectUnauthorized: true",
    },
    {
      breaks: "a new certificate is not used before a restart",
      find: "this.#server.setSecureContext({ ...contents, minVersion: oldestTls });",
      replace: "",
    },
  ],
  "services/gateway/http/connections.ts": [
    {
      breaks: "an upload that went on is cut off, because the gateway stood still",
      find: "bytesOver(socket) === before && ",
      replace: "",
    },
    {
      breaks: "a connection with TLS counts twice",
      find: "this.#connections.delete(plain);",
      replace: "",
    },
    {
      breaks: "a handshake that is not completed keeps the gateway from closing",
      find: "for (const socket of this.#handshakes.values()) socket.destroy();",
      replace: "",
    },
    {
      breaks: "everything is answered on connections with TLS that are too many",
      find: "if (this.#extra.has(plain)) this.#extra.add(socket);",
      replace: "",
    },
  ],
  "libs/registry/processor-entry.ts": [
    {
      breaks: "an instance that is to be reached with TLS is called without",
      find: "(entry.grpc_tls === true) === (other.grpc_tls === true) &&",
      replace: "",
    },
  ],
  "services/gateway/routes/processors/registration.ts": [
    {
      breaks: "who changes an endpoint and knows nothing of TLS turns it off",
      find: "request.body.grpc_tls ?? known?.grpc_tls === true",
      replace: "request.body.grpc_tls === true",
    },
  ],
};
