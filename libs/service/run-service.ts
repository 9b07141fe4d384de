import { Environment, SettingsError } from "../config/environment.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createLogger, logLevels } from "../telemetry/logger.ts";

/** What a service is started with: its settings' source, its log, and what says that it is to stop. */
export interface ServiceContext {
  environment: Environment;
  log: Logger;
  /** Aborted at the first SIGTERM or SIGINT. */
  stopping: AbortSignal;
}

/**
 * Runs a service as this process: `run` returns once `stopping` is aborted and it has stopped cleanly. A wrong setting ends the
 * process with status 1 and one line that names it; so does any other failure, with its stack in the log.
 */
export async function runService(
  name: string,
  run: (context: ServiceContext) => Promise<void>,
): Promise<void> {
  const environment = await Environment.read();
  const log = createLogger(name, environment.choice("LOG_LEVEL", logLevels, "info"));
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      log.info({ signal }, "stopping");
      stop.abort();
    });
  }
  try {
    await run({ environment, log, stopping: stop.signal });
    log.info("stopped");
    process.exitCode = 0;
  } catch (error) {
    if (stop.signal.aborted) log.warn({ err: error }, "failed while it was being stopped");
    else if (error instanceof SettingsError) process.stderr.write(`${name}: ${error.message}\n`);
    else log.fatal({ err: error }, "the service failed");
    process.exitCode = stop.signal.aborted ? 0 : 1;
  }
  log.flush(() => process.exit());
}
