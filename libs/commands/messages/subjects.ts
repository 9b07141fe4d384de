/** A processor's id is a token in NATS subjects, a label of metrics and a segment of URLs at once. */
const processorIdPattern = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * These are the first segments of the gateway's own paths (docs/api.md, "The gateway"), so no processor can
 * have them as its id.
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

/** These became paths of the gateway later, so a processor may be registered under one of them. */
const laterReservedIds = new Set(["keys", "session", "audit"]);

/** Whether a text is allowed as a processor's id. */
export function isProcessorId(id: string): boolean {
  return processorIdPattern.test(id) && !reservedIds.has(id);
}

/** Whether a processor may be registered under an id that is new. */
export function isFreeId(id: string): boolean {
  return isProcessorId(id) && !laterReservedIds.has(id);
}

/** The name of the JetStream stream that is a processor's command log. */
export const streamOf = (processor: string) => `KATO_${processor}`;

/** The processor whose command log a stream is; undefined for any other stream. */
export function processorOfStream(stream: string): string | undefined {
  const id = stream.startsWith("KATO_") ? stream.slice("KATO_".length) : "";
  return isProcessorId(id) ? id : undefined;
}

/** Commands for a processor are published here, and stored by its stream. */
export const commandSubject = (processor: string) => `kato.${processor}.commands`;

/** A log that is closed for a moment has this subject, so that nothing that is sent to the other is stored. */
export const closedCommandSubject = (processor: string) => `kato.${processor}.commands.closed`;

/** The worker that runs the processor answers queries here. */
export const querySubject = (processor: string) => `kato.${processor}.queries`;

/** The worker that runs the processor can be asked here not to start a command any more. */
export const cancelSubject = (processor: string) => `kato.${processor}.cancel`;

/** The worker that runs the processor can be asked here for a rebuild. */
export const rebuildSubject = (processor: string) => `kato.${processor}.rebuild`;

/** Any worker can be asked here to remove all data of a processor. `*` stands for all processors. */
export const removeSubject = (processor: string) => `kato.${processor}.remove`;

/** The answer of a worker: all is removed; a worker still runs the processor; or something went wrong. */
export type RemoveAnswer = "removed" | "running" | "failed";

/** The gateway that takes in an ingestion reports its progress here. */
export const ingestionSubject = (processor: string, ingestion: string) =>
  `kato.${processor}.ingestions.${ingestion}`;

/** A gateway answers here whether it is still sending a request under an Idempotency-Key. */
export const gatewaySubject = (gateway: string) => `kato-gateways.${gateway}`;

/** The worker that runs the processor reports its state here. `*` stands for all processors. */
export const stateSubject = (processor: string) => `kato.${processor}.state`;
