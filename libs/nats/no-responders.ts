import { NoRespondersError, RequestError } from "@nats-io/transport-node";

/**
 * Whether NATS has said that nobody listens to the subject of a request. So nobody has received the request.
 */
export function isNoResponders(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
}
