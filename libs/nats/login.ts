import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { PeerCertificate } from "node:tls";
import { checkServerIdentity } from "node:tls";
import type { ConnectionOptions } from "@nats-io/transport-node";
import { credsAuthenticator } from "@nats-io/transport-node";
import { keepingLast } from "../config/keeping-last.ts";
import type { TlsFiles } from "../config/tls-files.ts";
import { followedContext } from "../config/tls-files.ts";

/** How to log in: as nats.js takes it, or with a secret that is in a file. */
export type NatsCredentials =
  | { user: string; pass: string }
  | { token: string }
  | { user: string; passwordFile: string }
  | { credentialsFile: string };

/** Called with a file that cannot be used, and why. What was read of it before is used. */
export type FileProblem = (setting: string, reason: string) => void;

/** What nats.js is given to log in. Files are read anew at each connection. */
export function loginOptions(
  credentials: NatsCredentials | undefined,
  onProblem: FileProblem,
): Pick<ConnectionOptions, "user" | "pass" | "token" | "authenticator"> {
  if (credentials === undefined) return {};
  if ("passwordFile" in credentials) {
    const { user, passwordFile } = credentials;
    const password = keepingLast(
      () => readPassword(passwordFile),
      (reason) => onProblem("NATS_PASSWORD_FILE", reason),
    );
    password();
    return { authenticator: () => ({ user, pass: password() }) };
  }
  if ("credentialsFile" in credentials) {
    const bytes = keepingLast(
      () => readCredentials(credentials.credentialsFile),
      (reason) => onProblem("NATS_CREDENTIALS_FILE", reason),
    );
    bytes();
    return { authenticator: (nonce) => credsAuthenticator(bytes())(nonce) };
  }
  return credentials;
}

/** The password in a file: its content without the line break at its end. Throws if there is none. */
export function readPassword(path: string): string {
  const password = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  if (password === "") throw new Error(`${path} is empty`);
  return password;
}

/** The content of a .creds file. Throws if nobody can log in with it. */
export function readCredentials(path: string): Uint8Array {
  const bytes = readFileSync(path);
  try {
    credsAuthenticator(bytes)("nonce");
  } catch {
    throw new Error(`${path} does not have a user's JWT and its seed, as a .creds file has`);
  }
  return bytes;
}

/**
 * What nats.js is given so that it demands TLS and verifies the servers. It takes `secureContext` anew at each
 * connection.
 */
export function tlsOptions(files: TlsFiles, servers: readonly string[], onProblem: FileProblem) {
  const context = followedContext(files, (reason) =>
    onProblem("NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE", reason),
  );
  // nats.js gives up for good where reading throws. From now on there is something to fall back on.
  context();
  const hosts = servers.map(hostOf);
  return {
    rejectUnauthorized: true,
    get secureContext() {
      return context();
    },
    checkServerIdentity: (host: string, certificate: PeerCertificate) =>
      identityProblem(host, certificate, hosts),
  };
}

/** The settings that name the files. */
export const natsTlsSettings = { ca: "NATS_CA_FILE", cert: "NATS_CERT_FILE", key: "NATS_KEY_FILE" } as const;

/**
 * For a server that is an address nats.js gives no name, and Node then asks for "localhost". Such a server's
 * certificate has to be for one of the addresses that NATS_URL names.
 */
function identityProblem(
  host: string,
  certificate: PeerCertificate,
  hosts: readonly string[],
): Error | undefined {
  const isUnnamed = host === "localhost" && hosts.some((each) => isIP(each));
  const allowed = isUnnamed ? hosts.filter((each) => isIP(each) || each === host) : [host];
  const problems = allowed.map((each) => checkServerIdentity(each, certificate));
  return problems.includes(undefined) ? undefined : problems[0];
}

/** The host of `host:port` or `scheme://host:port`, an IPv6 address without its brackets. */
function hostOf(server: string): string {
  const { hostname } = new URL(server.includes("://") ? server : `nats://${server}`);
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
