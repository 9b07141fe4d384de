import type { Environment } from "../../libs/config/environment.ts";
import type { CommonSettings } from "../../libs/service/common-settings.ts";
import { anyPort, commonSettings } from "../../libs/service/common-settings.ts";
import type { TracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import { tracingSettings } from "../../libs/telemetry/tracing-settings.ts";
import type { History } from "./processor/retention-limit.ts";

/** What a worker is told. */
export interface WorkerSettings extends CommonSettings {
  host: string;
  port: number;
  /** How spans are recorded; undefined where they are not. */
  tracing: TracingSettings | undefined;
  /** The ids of the processors that this worker runs, or `*` for all. */
  processors: string[] | "*";
  /**
   * How long a lease lives that is not renewed: another worker takes over a dead one's processors after that.
   */
  leaseMs: number;
  /** What a log keeps besides what a rebuild needs. */
  history: History;
  /** How often the logs are trimmed to that. */
  trimEveryMs: number;
  /**
   * Whether working memory is restored after Observes that nobody of this gateway made; else the processor is
   * `degraded`.
   */
  mendsForeignCalls: boolean;
  /** The longest a call to an instance may take. */
  callTimeoutMs: number;
}

/** Throws a SettingsError that names every wrong setting. */
export function workerSettings(environment: Environment): WorkerSettings {
  const processors = environment.list("WORKER_PROCESSORS", "*");
  const settings = {
    ...commonSettings(environment),
    host: environment.text("WORKER_HOST", "0.0.0.0"),
    port: environment.integer("WORKER_PORT", 9464, anyPort),
    processors: processors.includes("*") ? ("*" as const) : processors,
    tracing: tracingSettings(environment),
    leaseMs: environment.integer("LEASE_MS", 3_000, { min: 500, max: 600_000 }),
    history: {
      commands: environment.integer("LOG_HISTORY", 100_000, { min: 0, max: Number.MAX_SAFE_INTEGER }),
      ageMs: environment.integer("LOG_HISTORY_HOURS", 0, { min: 0, max: 87_600 }) * 3_600_000,
    },
    trimEveryMs: environment.integer("LOG_TRIM_MS", 10_000, { min: 100, max: 3_600_000 }),
    mendsForeignCalls: environment.choice("FOREIGN_OBSERVES", ["mend", "leave"], "mend") === "mend",
    callTimeoutMs: environment.integer("CALL_TIMEOUT_MS", 300_000, { min: 1, max: 3_600_000 }),
  };
  environment.check();
  return settings;
}
