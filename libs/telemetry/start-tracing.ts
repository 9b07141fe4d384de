import type { Logger } from "./logger.ts";
import type { Tracing } from "./span.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/**
 * Starts tracing, or returns undefined without settings. OpenTelemetry's SDK is large, so it is loaded only
 * if needed.
 */
export async function startTracing(
  settings: TracingSettings | undefined,
  service: string,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!settings) return undefined;
  const { openTelemetryTracing } = await import("./open-telemetry.ts");
  return openTelemetryTracing(settings, service, log);
}
