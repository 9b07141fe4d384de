import { isIP } from "node:net";
import type { Environment } from "../../libs/config/environment.ts";
import { anyPort } from "../../libs/config/environment.ts";
import type { TlsFiles } from "../../libs/config/tls-files.ts";
import { tlsFiles } from "../../libs/config/tls-files.ts";
import { instanceTlsFiles } from "../../libs/kato/instance-tls.ts";
import { isLoopback } from "../../libs/registry/addresses.ts";
import type { Declaration } from "../../libs/registry/declarations.ts";
import { processorsOfEnvironment, processorsOfFile } from "../../libs/registry/declarations.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { CommonSettings } from "../../libs/service/common-settings.ts";
import { commonSettings, policyOf } from "../../libs/service/common-settings.ts";
import type { TracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import { tracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import type { AccessSettings } from "./access/access-settings.ts";
import { accessSettings } from "./access/access-settings.ts";
import type { QueueLimits } from "./fleet/backend.ts";
import type { Limits } from "./http/limits.ts";
import { defaultLimits } from "./http/limits.ts";
import { tlsSettings } from "./http/tls.ts";

export interface GatewaySettings extends CommonSettings {
  host: string;
  port: number;
  /** The files of its TLS; undefined if it listens without. `ca` has the CAs of clients' certificates. */
  tls: TlsFiles | undefined;
  /** The processors that the settings name. Each id is here once: the environment wins over the file. */
  processors: Declaration[];
  /** The files for instances with TLS, of which some are asked for their ids. */
  instanceTls: TlsFiles;
  /** Variables that were perhaps meant to name a processor, and do not. */
  doubtful: string[];
  queueLimits: QueueLimits;
  /** How long the gateway goes on serving after it was told to stop. It is not ready meanwhile. */
  stopGraceMs: number;
  /** Where spans go; undefined if none are recorded. */
  tracing: TracingSettings | undefined;
  /** Who may use the gateway. */
  access: AccessSettings;
  /** Whether the metrics have latencies by processor. */
  latencyByProcessor: boolean;
  /** A body that is not JSON becomes a 500, as in the old front end (docs/api.md). */
  legacyErrors: boolean;
  /** How many outcomes, and how many ingestions, may be kept. */
  maxRecords: number;
  /** What clients may take. */
  limits: Limits;
}

/** Reads the settings. Throws a SettingsError that names every wrong one. */
export function gatewaySettings(environment: Environment): GatewaySettings {
  const doubtful: string[] = [];
  const host = environment.host("GATEWAY_HOST", "127.0.0.1");
  const settings = {
    ...commonSettings(environment),
    host,
    port: environment.integer("GATEWAY_PORT", 8000, anyPort),
    tls: listenerTls(environment),
    processors: declaredProcessors(environment, doubtful),
    instanceTls: instanceTlsFiles(environment),
    doubtful,
    queueLimits: {
      maxDepth: environment.integer("QUEUE_MAX_DEPTH", 10_000_000, { min: 1, max: Number.MAX_SAFE_INTEGER }),
      maxAgeMs: environment.integer("QUEUE_MAX_AGE_MS", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
    },
    stopGraceMs: environment.integer("GATEWAY_STOP_GRACE_MS", 0, { min: 0, max: 600_000 }),
    tracing: tracingSettings(environment),
    access: accessSettings(environment, { host, origins: corsOrigins(environment) }),
    latencyByProcessor: environment.flag("LATENCY_BY_PROCESSOR", "1"),
    legacyErrors: environment.flag("GATEWAY_LEGACY_ERRORS"),
    maxRecords: environment.integer("RECORDS_MAX", 10_000_000, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    limits: limitsOf(environment),
  };
  environment.check();
  return settings;
}

function listenerTls(environment: Environment): TlsFiles | undefined {
  const files = tlsFiles(environment, tlsSettings);
  if (files && files.cert === undefined && files.key === undefined) {
    environment.problem(tlsSettings.ca, `is of use only with ${tlsSettings.cert}`);
  }
  return files;
}

function limitsOf(environment: Environment): Limits {
  const { bodyBytes, bodiesBytes, answersBytes, headersMs, bodyMs, idleMs, connections } = defaultLimits;
  const bytes = { min: 1_024, max: 1_024 ** 4 };
  const ms = { min: 100, max: 86_400_000 };
  return {
    // A string of V8 has no more than half a gigabyte.
    bodyBytes: environment.integer("BODY_MAX_BYTES", bodyBytes, { min: 1_024, max: 256 * 1_024 ** 2 }),
    bodiesBytes: environment.integer("BODIES_MAX_BYTES", bodiesBytes, bytes),
    answersBytes: environment.integer("ANSWERS_MAX_BYTES", answersBytes, bytes),
    headersMs: environment.integer("HEADERS_TIMEOUT_MS", headersMs, ms),
    bodyMs: environment.integer("BODY_TIMEOUT_MS", bodyMs, ms),
    idleMs: environment.integer("IDLE_TIMEOUT_MS", idleMs, ms),
    connections: environment.integer("MAX_CONNECTIONS", connections, { min: 10, max: 1_000_000 }),
  };
}

/** Pages from a file have the origin `null`. */
function corsOrigins(environment: Environment): string[] {
  const origins = environment.list("CORS_ORIGINS", "");
  for (const origin of origins) {
    const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin && !origin.includes("*");
    if (isOrigin || ["*", "null"].includes(origin)) continue;
    environment.problem("CORS_ORIGINS", `must be *, or like https://pages.example:8443, not "${origin}"`);
  }
  return origins;
}

function declaredProcessors(environment: Environment, doubtful: string[]): Declaration[] {
  const problem = (setting: string, what: string) => environment.problem(setting, what);
  const ofEnvironment = processorsOfEnvironment(environment.variables, problem, (setting) =>
    doubtful.push(setting),
  );
  const named = new Set(ofEnvironment.map(({ id }) => id).filter((id) => id !== undefined));
  const ofFile = processorsOfFile(environment.fileProcessors, problem);
  return [...ofEnvironment, ...ofFile.filter(({ id }) => id === undefined || !named.has(id))];
}

/** Which endpoints a gateway with these settings may connect to, and may let REST register. */
export function endpointPolicyOf(settings: GatewaySettings): EndpointPolicy {
  const { host } = settings;
  const isLocal = host === "localhost" || (isIP(host) !== 0 && isLoopback(host));
  return policyOf(settings, settings, isLocal ? "loopback" : "nothing");
}

/** Throws a SettingsError that names every setting whose endpoint may not be connected to. */
export async function checkEndpoints(environment: Environment, settings: GatewaySettings): Promise<void> {
  const policy = endpointPolicyOf(settings);
  const check = async ({ setting, grpc_endpoint, source }: Declaration) => {
    const location = await policy(grpc_endpoint, source);
    if ("addresses" in location) return;
    environment.problem(setting, `names an endpoint that is not allowed: ${location.refusal}`);
  };
  await Promise.all(settings.processors.map(check));
  environment.check();
}
