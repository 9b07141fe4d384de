import type { Logger } from "pino";
import { pino } from "pino";

export type { Logger } from "pino";

/** The values of LOG_LEVEL, the most severe first. */
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** Creates a logger that writes JSON lines to standard output, each with the name of the service. */
export function createLogger(service: string, level: (typeof logLevels)[number]): Logger {
  return pino({ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime });
}
