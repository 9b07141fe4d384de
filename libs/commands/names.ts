/**
 * What an id must look like to be a NATS token, a metric label and a path segment at once
 * (docs/architecture.md, Commands).
 */
const processorIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * First path segments that are the gateway's own, so no processor can have them as id (docs/api.md, The
 * gateway).
 */
const reservedIds = new Set([
  "kato-api",
  "connect",
  "health",
  "ready",
  "processors",
  "metrics",
  "docs",
  "openapi.json",
  "console",
]);

/** Whether a processor can be registered under this id. */
export function isProcessorId(id: string): boolean {
  return processorIdPattern.test(id) && !reservedIds.has(id);
}

/** The stream that is a processor's command log. */
export const streamOf = (processor: string) => `KATO_${processor}`;

/** Where a processor's commands are published, stored by its stream. */
export const commandSubject = (processor: string) => `kato.${processor}.commands`;

/** Where the worker that runs a processor answers queries. */
export const querySubject = (processor: string) => `kato.${processor}.queries`;

/** Where the worker that runs a processor is asked not to start a command any more. */
export const cancelSubject = (processor: string) => `kato.${processor}.cancel`;

/** Where the worker that runs a processor is asked to rebuild it by hand. */
export const rebuildSubject = (processor: string) => `kato.${processor}.rebuild`;

/** Where the gateway that takes in an ingestion says how far it is. */
export const ingestionSubject = (processor: string, ingestion: string) =>
  `kato.${processor}.ingestions.${ingestion}`;

/** Where the worker that runs a processor says how it stands; `*` for all. */
export const stateSubject = (processor: string) => `kato.${processor}.state`;
