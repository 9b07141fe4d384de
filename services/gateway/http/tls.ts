import { X509Certificate } from "node:crypto";
import type { Server } from "node:https";
import type { FastifyBaseLogger, FastifyServerFactory } from "fastify";
import type { TlsContents, TlsFiles } from "../../../libs/config/tls-files.ts";
import { oldestTls, readTls, readTlsTexts } from "../../../libs/config/tls-files.ts";
import { serverOptions } from "./connections.ts";
import type { Limits } from "./limits.ts";

/** Node's HTTPS, taken as `libs/service/serve-http.ts` takes Node's HTTP. */
const https = process.getBuiltinModule("node:https");

/** The settings that name its files. */
export const tlsSettings = {
  ca: "GATEWAY_TLS_CLIENT_CA_FILE",
  cert: "GATEWAY_TLS_CERT_FILE",
  key: "GATEWAY_TLS_KEY_FILE",
} as const;

const lookEveryMs = 500;

/** A part of the options of `Fastify`, with which its server has TLS. */
export interface ServerWithTls {
  serverFactory: FastifyServerFactory;
  /** Fastify makes no server by this. It then calls its addresses `https:`. */
  https: true;
}

/**
 * A server with TLS, which follows its files until it is closed. With a CA for clients it asks them for a
 * certificate. A client without a valid one is not refused here: who wants to know looks at `authorized` of its
 * socket.
 */
export function serverWithTls(files: TlsFiles, limits: Limits, log: FastifyBaseLogger): ServerWithTls {
  return {
    https: true,
    serverFactory: (handler, { keepAliveTimeout, requestTimeout, connectionTimeout }) => {
      const server = https.createServer(
        {
          ...serverOptions(limits),
          ...readTls(files).contents,
          minVersion: oldestTls,
          requestCert: files.ca !== undefined,
          rejectUnauthorized: false,
          handshakeTimeout: limits.headersMs,
        },
        handler,
      );
      server.keepAliveTimeout = Number(keepAliveTimeout);
      server.requestTimeout = Number(requestTimeout);
      server.setTimeout(Number(connectionTimeout));
      const follower = new FileFollower(server, files, log);
      const timer = setInterval(() => follower.look(), lookEveryMs).unref();
      server.once("close", () => clearInterval(timer));
      return server;
    },
  };
}

/**
 * Gives a server what its files hold, when that has changed. Connections that are open go on.
 *
 * It reads the files instead of watching them: no kind of replacing them is missed then, neither a rename nor
 * another target of a symbolic link in the path, which is how Kubernetes changes a Secret.
 */
class FileFollower {
  readonly #server: Server;
  readonly #files: TlsFiles;
  readonly #log: FastifyBaseLogger;
  /** What is in use, or was found to be of no use. */
  #handled: string;
  /** What the last look has found. */
  #found: string;

  constructor(server: Server, files: TlsFiles, log: FastifyBaseLogger) {
    this.#server = server;
    this.#files = files;
    this.#log = log;
    this.#handled = JSON.stringify(readTlsTexts(files));
    this.#found = this.#handled;
  }

  look(): void {
    const found = JSON.stringify(readTlsTexts(this.#files));
    // Files are written one after the other, so they count once two looks have found the same.
    const isSettled = found === this.#found;
    this.#found = found;
    if (!isSettled || found === this.#handled) return;
    this.#handled = found;
    const { contents, problems } = readTls(this.#files);
    const reasons = problems.map(({ part, what }) => `${tlsSettings[part]} ${what}`);
    if (reasons.length > 0) {
      this.#log.warn(
        { reasons },
        "the changed files of TLS cannot be used, the old certificate stays in use",
      );
      return;
    }
    this.#server.setSecureContext({ ...contents, minVersion: oldestTls });
    this.#log.info(aboutCertificate(contents), "the changed files of TLS are in use");
  }
}

function aboutCertificate({ cert = "" }: TlsContents): object {
  const { subject, subjectAltName, validTo } = new X509Certificate(cert);
  return { subject, names: subjectAltName, validTo };
}
