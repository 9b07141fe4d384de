import type { Environment } from "../config/environment.ts";
import type { TlsFiles } from "../config/tls-files.ts";
import { tlsFiles } from "../config/tls-files.ts";
import type { NatsCredentials } from "./login.ts";
import { natsTlsSettings, readCredentials, readPassword } from "./login.ts";

/** The servers of NATS, and how to log in. */
export interface NatsServers {
  /**
   * `host:port`, `nats://host:port` or `tls://host:port`, all of one cluster. They have no users and passwords,
   * so they may be logged.
   */
  servers: string[];
  /** Undefined to connect without. */
  credentials: NatsCredentials | undefined;
  /** The files of TLS, perhaps none, if TLS is demanded. Else there is TLS if the server asks for it. */
  tls?: TlsFiles;
}

/**
 * Reads the setting NATS_URL, a list of `nats://user:password@host:port` or `nats://token@host:port`,
 * percent-encoded as in any URL. The servers are of one cluster, so all that name a user or a token have to
 * name the same. `tls://` in one of them, or a file for TLS, demands TLS of all.
 */
export function natsServers(environment: Environment): NatsServers {
  const urls = environment.servers("NATS_URL", "nats", "nats://127.0.0.1:4222");
  const named = new Set(urls.map(userPart).filter((part) => part !== ""));
  if (named.size > 1)
    environment.problem("NATS_URL", "must name the same user and password for all its servers");
  const [part] = named;
  const files = tlsFiles(environment, natsTlsSettings);
  const isDemanded = files !== undefined || urls.some((url) => /^tls:\/\//i.test(url));
  return {
    servers: urls.map(withoutCredentials),
    credentials: credentialsOf(part, environment),
    ...(isDemanded && { tls: files ?? {} }),
  };
}

const defaultPort = 4222;

/** Where a server of `NatsServers` is. */
export function hostAndPort(server: string): { host: string; port: number } {
  const { hostname, port } = new URL(server.includes("://") ? server : `nats://${server}`);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || defaultPort };
}

function userPart(server: string): string {
  return /^(?:[a-z]+:\/\/)?(.*)@/is.exec(server)?.[1] ?? "";
}

function credentialsOf(part: string | undefined, environment: Environment): NatsServers["credentials"] {
  const credentialsFile = environment.text("NATS_CREDENTIALS_FILE", "");
  const passwordFile = environment.text("NATS_PASSWORD_FILE", "");
  if (credentialsFile !== "") {
    if (part !== undefined)
      environment.problem("NATS_CREDENTIALS_FILE", "and a user in NATS_URL are two logins");
    if (passwordFile !== "")
      environment.problem("NATS_CREDENTIALS_FILE", "and NATS_PASSWORD_FILE are two logins");
    noteFailure(() => readCredentials(credentialsFile), "NATS_CREDENTIALS_FILE", environment);
    return { credentialsFile };
  }
  const named = part === undefined ? undefined : loginOf(part, environment);
  if (passwordFile === "") return named;
  noteFailure(() => readPassword(passwordFile), "NATS_PASSWORD_FILE", environment);
  if (named && "token" in named) return { user: named.token, passwordFile };
  const what = named
    ? "and a password in NATS_URL are two passwords"
    : "needs a user in NATS_URL: nats://user@host";
  environment.problem("NATS_PASSWORD_FILE", what);
  return undefined;
}

/** The login that a URL has. Without a colon it is a token, or a user whose password is elsewhere. */
function loginOf(
  part: string,
  environment: Environment,
): { token: string } | { user: string; pass: string } | undefined {
  const colon = part.indexOf(":");
  try {
    if (colon === -1) return { token: decodeURIComponent(part) };
    const [user = "", pass = ""] = [part.slice(0, colon), part.slice(colon + 1)].map(decodeURIComponent);
    return { user, pass };
  } catch {
    environment.problem("NATS_URL", "has a user or a password that is not percent-encoded as in a URL");
    return undefined;
  }
}

function noteFailure(read: () => unknown, setting: string, environment: Environment): void {
  try {
    read();
  } catch (error) {
    environment.problem(setting, `cannot be used: ${error instanceof Error ? error.message : error}`);
  }
}

/** Whether a server's version is this one or a newer one. */
export function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

/** A server's address as it may stand in a log: without the user and the password that it may hold. */
export function withoutCredentials(server: string): string {
  // Up to the last @: a password that was not percent-encoded may itself contain an @.
  return server.replace(/^([a-z]+:\/\/)?.*@/is, "$1");
}
