import { Environment, SettingsError } from "../config/environment.ts";
import type { Logger } from "../telemetry/logger.ts";
import { createLogger, logLevel } from "../telemetry/logger.ts";

/** What a service is given when it starts. */
export interface ServiceContext {
  /** Where it reads its settings from. */
  environment: Environment;
  log: Logger;
  /** Aborted at the first SIGTERM or SIGINT. */
  stopping: AbortSignal;
}

/**
 * Runs a service as this process. `run` has to return once `stopping` is aborted and everything is closed;
 * then the process exits with status 0. If `run` throws before that, the exit status is 1: a SettingsError is
 * written to standard error as one line, as is an address that cannot be listened on. Any other error is
 * logged with its stack.
 */
export async function runService(
  name: string,
  run: (context: ServiceContext) => Promise<void>,
): Promise<void> {
  const environment = await Environment.readFor(name);
  const log = createLogger(name, logLevel(environment, "info"));
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
    else if (isSettingsError(error)) process.stderr.write(`${name}: ${error.message}\n`);
    else log.fatal({ err: error }, "the service failed");
    process.exitCode = stop.signal.aborted ? 0 : 1;
  }
  log.flush(() => process.exit());
}

/** Whether a setting is wrong: by its form, or because nobody can listen there (`listen EADDRINUSE: …`). */
function isSettingsError(error: unknown): error is Error {
  if (error instanceof SettingsError) return true;
  return (
    error instanceof Error && "syscall" in error && ["listen", "getaddrinfo"].includes(String(error.syscall))
  );
}
