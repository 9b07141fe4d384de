import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";

/**
 * Whether a compare-and-set was refused, because the key has been written since the revision that was
 * expected.
 */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}
