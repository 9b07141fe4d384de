import type { ApiError } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";

/**
 * Makes a request that nats.js has no method for, to JetStream's API or to a subject that it has named.
 * Rejects with a JetStreamApiError if the answer is an error.
 */
export async function requestApi<T>(
  connection: NatsConnection,
  subject: string,
  request: object,
  timeout: number,
): Promise<T> {
  const answer = await connection.request(subject, JSON.stringify(request), { timeout });
  return answerOf<T>(answer);
}

/** What an answer of JetStream says. Throws a JetStreamApiError if it is an error. */
export function answerOf<T>(answer: Msg): T {
  const parsed: T & { error?: ApiError } = answer.json();
  if (parsed.error) throw new JetStreamApiError(parsed.error);
  return parsed;
}
