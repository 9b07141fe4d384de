import { NoRespondersError, RequestError } from "@nats-io/transport-node";

/** Whether nobody takes what was asked, which NATS says at once: so nobody has received it. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
}
