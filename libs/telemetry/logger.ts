import type { Logger } from "pino";
import { pino } from "pino";

export type { Logger } from "pino";

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** A log of JSON lines on standard output. */
export function createLogger(service: string, level: (typeof logLevels)[number]): Logger {
  return pino({ level, base: { service }, timestamp: pino.stdTimeFunctions.isoTime });
}
