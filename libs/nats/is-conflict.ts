import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";

/** Whether a compare-and-set was refused because somebody else has written the key meanwhile. */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}
