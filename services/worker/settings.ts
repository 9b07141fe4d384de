import type { Environment } from "../../libs/config/environment.ts";
import { anyPort } from "../../libs/config/environment.ts";
import type { TlsFiles } from "../../libs/config/tls-files.ts";
import { instanceTlsFiles } from "../../libs/kato/instance-tls.ts";
import type { EndpointPolicy } from "../../libs/registry/endpoint-policy.ts";
import type { CommonSettings } from "../../libs/service/common-settings.ts";
import { commonSettings, policyOf } from "../../libs/service/common-settings.ts";
import type { TracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import { tracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import type { HistoryLimit } from "./processor/retention-limit.ts";

/** The settings of a worker (docs/operating.md, Settings). */
export interface WorkerSettings extends CommonSettings {
  host: string;
  port: number;
  /**
   * Which endpoints it connects to. It does not know where gateways listen, so without ENDPOINT_ALLOW it takes
   * loopback addresses of what came over REST.
   */
  endpointPolicy: EndpointPolicy;
  /** Where spans go; undefined if none are recorded. */
  tracing: TracingSettings | undefined;
  /** The ids of the processors that this worker runs, or `*` for all. */
  processors: string[] | "*";
  /**
   * How long a lease lives if it is not renewed. After that another worker takes over the processors of a
   * dead one.
   */
  leaseMs: number;
  /** Which applied commands a log keeps besides those that a rebuild needs. */
  history: HistoryLimit;
  /** How often the logs are trimmed. */
  trimEveryMs: number;
  /**
   * Whether working memory is restored after Observes that reached the instance past the gateway. If not, the
   * processor is `degraded`.
   */
  mendsForeignCalls: boolean;
  /** The files for instances with TLS. */
  instanceTls: TlsFiles;
  /** How long a call to an instance may take. */
  callTimeoutMs: number;
  /** Whether the metrics have latencies by processor. */
  latencyByProcessor: boolean;
}

/** Throws a SettingsError that names every wrong setting. */
export function workerSettings(environment: Environment): WorkerSettings {
  const processors = environment.list("WORKER_PROCESSORS", "*");
  const common = commonSettings(environment);
  const listening = {
    host: environment.host("WORKER_HOST", "0.0.0.0"),
    port: environment.integer("WORKER_PORT", 9464, anyPort),
  };
  const settings = {
    ...common,
    ...listening,
    processors: processors.includes("*") ? ("*" as const) : processors,
    tracing: tracingSettings(environment),
    leaseMs: environment.integer("LEASE_MS", 3_000, { min: 500, max: 600_000 }),
    history: {
      commands: environment.integer("LOG_HISTORY", 100_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
      ageMs: environment.integer("LOG_HISTORY_HOURS", 0, { min: 0, max: 87_600 }) * 3_600_000,
    },
    trimEveryMs: environment.integer("LOG_TRIM_MS", 10_000, { min: 100, max: 3_600_000 }),
    mendsForeignCalls: environment.choice("FOREIGN_OBSERVES", ["mend", "leave"], "mend") === "mend",
    instanceTls: instanceTlsFiles(environment),
    latencyByProcessor: environment.flag("LATENCY_BY_PROCESSOR", "1"),
    callTimeoutMs: environment.integer("CALL_TIMEOUT_MS", 300_000, { min: 1, max: 3_600_000 }),
  };
  environment.check();
  return { ...settings, endpointPolicy: policyOf(common, listening, "loopback") };
}
