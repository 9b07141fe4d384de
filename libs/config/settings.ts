import { processorsOfEnvironment } from "../registry/environment.ts";
import type { ProcessorEntry } from "../registry/processor-entry.ts";
import type { Environment } from "./environment.ts";

/** What every service is told. */
export interface CommonSettings {
  /** `host:port` or `nats://host:port`, any number of one cluster. */
  natsServers: string[];
  /** Replicas of every stream and bucket that is created. */
  natsReplicas: number;
  /** Bytes one processor's command log may hold, -1 for no limit but the server's. */
  logMaxBytes: number;
}

export interface GatewaySettings extends CommonSettings {
  host: string;
  port: number;
  processors: ProcessorEntry[];
  /** A body that is not JSON is answered as the old front end did, with a 500 (API.md). */
  legacyErrors: boolean;
}

export interface WorkerSettings extends CommonSettings {
  host: string;
  port: number;
  /** The ids whose appliers this worker runs, or `*` for all. */
  processors: string[] | "*";
  /** How long a lease lives that is not renewed: another worker takes over a dead one's processors after that. */
  leaseMs: number;
  /** How many applied commands a log keeps, besides those that a rebuild needs. */
  logHistory: number;
  /** For how many hours it keeps them at most, 0 for no limit. */
  logHistoryHours: number;
  /** How often the logs are trimmed to that. */
  trimEveryMs: number;
  /** The longest a call to an instance may take. */
  callTimeoutMs: number;
}

const anyPort = { min: 0, max: 65_535 };

function commonSettings(environment: Environment): CommonSettings {
  return {
    natsServers: environment.servers("NATS_URL", "nats", "nats://127.0.0.1:4222"),
    natsReplicas: environment.integer("NATS_REPLICAS", 1, { min: 1, max: 5 }),
    logMaxBytes: environment.integer("LOG_MAX_BYTES", -1, { min: -1, max: Number.MAX_SAFE_INTEGER }),
  };
}

/** Throws a SettingsError that names every wrong setting. */
export function gatewaySettings(environment: Environment): GatewaySettings {
  const settings = {
    ...commonSettings(environment),
    host: environment.text("GATEWAY_HOST", "0.0.0.0"),
    port: environment.integer("GATEWAY_PORT", 8000, anyPort),
    processors: processorsOfEnvironment(environment.variables, (name, what) =>
      environment.problem(name, what),
    ),
    legacyErrors: environment.flag("GATEWAY_LEGACY_ERRORS"),
  };
  environment.check();
  return settings;
}

/** Throws a SettingsError that names every wrong setting. */
export function workerSettings(environment: Environment): WorkerSettings {
  const processors = environment.list("WORKER_PROCESSORS", "*");
  const settings = {
    ...commonSettings(environment),
    host: environment.text("WORKER_HOST", "0.0.0.0"),
    port: environment.integer("WORKER_PORT", 9464, anyPort),
    processors: processors.includes("*") ? ("*" as const) : processors,
    leaseMs: environment.integer("LEASE_MS", 3_000, { min: 500, max: 600_000 }),
    logHistory: environment.integer("LOG_HISTORY", 100_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    logHistoryHours: environment.integer("LOG_HISTORY_HOURS", 0, { min: 0, max: 87_600 }),
    trimEveryMs: environment.integer("LOG_TRIM_MS", 10_000, { min: 100, max: 3_600_000 }),
    callTimeoutMs: environment.integer("CALL_TIMEOUT_MS", 300_000, { min: 1, max: 3_600_000 }),
  };
  environment.check();
  return settings;
}
