import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { NoRespondersError, PermissionViolationError, RequestError } from "@nats-io/transport-node";

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

/**
 * Whether NATS has said that nobody listens to the subject of a request. So nobody has received the request.
 */
export function isNoResponders(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
}

/** Whether a request to JetStream failed because the stream does not exist. */
export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** JetStream's codes for a message that is not stored because the server, or the account, is full. */
const storeFullCodes = [10023, 10002];

/** JetStream's code for a stream whose `max_bytes` is more than what is left. */
const noRoomCode = 10047;

/** JetStream's codes for a cluster that has no leader, and for one that has too few servers at the moment. */
const temporaryErrorCodes = [10008, 10005, ...storeFullCodes];

/** Whether JetStream has answered with an error that does not pass by itself. */
export function isLastingError(error: unknown): boolean {
  return error instanceof JetStreamApiError && !temporaryErrorCodes.includes(error.code);
}

/** Whether JetStream's code says that the storage of the server, or that of the account, is full. */
export function isStoreFullCode(code: number): boolean {
  return storeFullCodes.includes(code);
}

/** Whether a write, or a stream that was to be created, was refused because JetStream has no room for it. */
export function isStoreFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && (isStoreFullCode(error.code) || error.code === noRoomCode);
}

/** Whether NATS has refused a request because its user has no right to make it. */
export function isNotPermitted(error: unknown): boolean {
  if (error instanceof PermissionViolationError) return true;
  return error instanceof Error && error.cause !== undefined && isNotPermitted(error.cause);
}
