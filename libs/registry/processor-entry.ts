import { isIPv4, isIPv6 } from "node:net";
import { isProcessorId } from "../commands/messages/subjects.ts";

/** What discovery finds. Of these the first that has registered an id keeps it. */
export const discoverySources = ["docker", "kubernetes"] as const;
export type DiscoverySourceName = (typeof discoverySources)[number];
/**
 * What can register a processor, the strongest first: for one id, a source wins over all that come after it.
 */
const sources = ["rest", "environment", "file", ...discoverySources] as const;
/** What has registered a processor. */
export type Source = (typeof sources)[number];

/** A processor as the registry has it. */
export interface ProcessorEntry {
  id: string;
  /** A name for people. */
  name: string;
  /** `host:port` at which its instance serves gRPC. */
  grpc_endpoint: string;
  /** If true, it is connected to with TLS. */
  grpc_tls?: boolean;
  /** What registered it. */
  source: Source;
  /** Where its instance was before, the latest first. Each of these had the processor's memory once. */
  former_endpoints?: string[];
  /** If true, its commands are accepted but not applied. */
  paused?: boolean;
  /** What has paused it, if that was no person: a backup, by its name. Only that resumes it by itself. */
  paused_by?: string;
}

/** Whether an entry of `source` is kept when `other` declares the same id. */
export function isKept(source: Source, other: Source): boolean {
  if (isDiscovered(source) && isDiscovered(other)) return source !== other;
  return sources.indexOf(source) < sources.indexOf(other);
}

function isDiscovered(source: Source): boolean {
  return discoverySources.some((each) => each === source);
}

/**
 * Whether a source is the settings, whose writer is trusted. All others come over REST, and whoever comes over
 * REST can say that it is discovery.
 */
export function isTrusted(source: Source): boolean {
  return source === "environment" || source === "file";
}

/** Whether two entries lead to the same instance in the same way, as far as it may be connected to. */
export function isSameEndpoint(entry: ProcessorEntry, other: ProcessorEntry | undefined): boolean {
  return (
    entry.grpc_endpoint === other?.grpc_endpoint &&
    (entry.grpc_tls === true) === (other.grpc_tls === true) &&
    isTrusted(entry.source) === isTrusted(other.source)
  );
}

const endpointPattern = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/;
const hostNamePattern = /^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/;
/**
 * Resolvers take such a text for an IPv4 address, for example 127.1 or 0x7f000001. So it is not allowed as a
 * host name.
 */
const numberLikePattern = /(^|\.)(\d+|0[xX][0-9A-Fa-f]*)\.?$/;

/** The host of an endpoint, an IPv6 address without its brackets. Undefined if the text is no `host:port`. */
export function hostOf(endpoint: string): string | undefined {
  const [, ip6, host, portText] = endpointPattern.exec(endpoint) ?? [];
  const port = Number(portText);
  if (!(port > 0 && port <= 65_535)) return undefined;
  if (ip6 !== undefined) return isIPv6(ip6) && !ip6.includes("%") ? ip6 : undefined;
  return host !== undefined && (isIPv4(host) || isHostName(host)) ? host : undefined;
}

/** Whether a text is a host name, and not an address in any form. */
export function isHostName(text: string): boolean {
  return hostNamePattern.test(text) && !numberLikePattern.test(text);
}

/** Whether a text is a valid `host:port`. */
export function isEndpoint(text: string): boolean {
  return hostOf(text) !== undefined;
}

/**
 * Whether a text is a valid name of a processor. Control characters and line separators are not allowed, as
 * they could change how the text around them is shown.
 */
export function isName(text: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]{1,128}$/u.test(text);
}

/** Whether it is true, false or not there. Other programs can write to the registry too. */
export function isFlag(value: unknown): value is boolean | undefined {
  return value === undefined || typeof value === "boolean";
}

/** What is wrong with what an entry says of its instance, in words; undefined if nothing is. */
export function entryProblem(
  entry: Pick<ProcessorEntry, "id" | "name" | "grpc_endpoint" | "grpc_tls">,
): string | undefined {
  if (!isProcessorId(entry.id))
    return `"${entry.id}" is not a processor id: 1 to 64 of A-Z a-z 0-9 _ -, and no path of the gateway`;
  if (!isName(entry.name))
    return `${JSON.stringify(entry.name)} is not a name: 1 to 128 printable characters`;
  if (!isEndpoint(entry.grpc_endpoint)) return `"${entry.grpc_endpoint}" is not an endpoint: host:port`;
  if (!isFlag(entry.grpc_tls)) return `grpc_tls of ${entry.id} must be true or false`;
  return undefined;
}
