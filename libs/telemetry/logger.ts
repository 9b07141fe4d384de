import type { Logger } from "pino";
import { pino } from "pino";
import type { Environment } from "../config/environment.ts";

export type { Logger } from "pino";

/** The values of LOG_LEVEL, the most severe first. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** What KATO and its REST front end call some of them. */
const otherNames: Record<string, (typeof logLevels)[number]> = { warning: "warn", critical: "fatal" };

/** Reads LOG_LEVEL. A wrong one is noted in `environment`. */
export function logLevel(
  environment: Environment,
  fallback: (typeof logLevels)[number],
): (typeof logLevels)[number] {
  const named = otherNames[environment.text("LOG_LEVEL", "").toLowerCase()];
  return named ?? environment.choice("LOG_LEVEL", logLevels, fallback);
}

/** Creates a logger that writes JSON lines to standard output, each with the name of the service. */
export function createLogger(service: string, level: (typeof logLevels)[number]): Logger {
  return pino({ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime });
}
