import type { Logger } from "./logger.ts";
import type { Tracing } from "./span.ts";
import type { TracingSettings } from "./tracing-settings.ts";

/** Begins to record spans where the settings want it; OpenTelemetry's SDK is loaded only then. */
export async function startTracing(
  settings: TracingSettings | undefined,
  service: string,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!settings) return undefined;
  const { openTracing } = await import("./open-telemetry.ts");
  return openTracing(settings, service, log);
}
