import type { Environment } from "../config/environment.ts";

/** The servers of NATS, and how to log in. */
export interface NatsServers {
  /**
   * `host:port` or `nats://host:port`, all of one cluster. They have no users and passwords, so they may be
   * logged.
   */
  servers: string[];
  /** As nats.js takes them; undefined to connect without. */
  credentials: { user: string; pass: string } | { token: string } | undefined;
}

/**
 * Reads the setting NATS_URL, a list of `nats://user:password@host:port` or `nats://token@host:port`,
 * percent-encoded as in any URL. The servers are of one cluster, so all that name a user or a token have to
 * name the same.
 */
export function natsServers(environment: Environment): NatsServers {
  const urls = environment.servers("NATS_URL", "nats", "nats://127.0.0.1:4222");
  const named = new Set(urls.map(userPart).filter((part) => part !== ""));
  if (named.size > 1)
    environment.problem("NATS_URL", "must name the same user and password for all its servers");
  const [part] = named;
  return {
    servers: urls.map(withoutCredentials),
    credentials: part === undefined ? undefined : credentialsOf(part, environment),
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

function credentialsOf(part: string, environment: Environment): NatsServers["credentials"] {
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

/** Whether a server's version is this one or a newer one. */
export function isAtLeast(version: string, oldest: string): boolean {
  return version.localeCompare(oldest, "en", { numeric: true }) >= 0;
}

/** A server's address as it may stand in a log: without the user and the password that it may hold. */
export function withoutCredentials(server: string): string {
  // Up to the last @: a password that was not percent-encoded may itself contain an @.
  return server.replace(/^([a-z]+:\/\/)?.*@/is, "$1");
}
