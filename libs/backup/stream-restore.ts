import type { StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { answerOf, requestApi } from "./jetstream-api.ts";
import type { StreamDescription } from "./stream-snapshot.ts";

const requestTimeoutMs = 30_000;
/** After the last chunk JetStream builds the stream, which takes as long as the stream is large. */
const buildingTimeoutMs = 3_600_000;

/**
 * Makes a stream out of JetStream's own snapshot, with the sequences and the times of its messages. Rejects
 * if there is a stream of this name. Resolves to the stream as it is now.
 *
 * This is the protocol of $JS.API.STREAM.RESTORE, which nats.js does not have: JetStream names a subject, each
 * chunk is a request to that, and an empty request ends them. JetStream gives up if none comes for five
 * seconds.
 */
export async function restoreStream(
  connection: NatsConnection,
  { config, state }: StreamDescription,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StreamInfo> {
  const { deliver_subject } = await requestApi<{ deliver_subject: string }>(
    connection,
    `$JS.API.STREAM.RESTORE.${config.name}`,
    { config, state },
    requestTimeoutMs,
  );
  for await (const chunk of chunks) {
    const answer = await connection.request(deliver_subject, chunk, { timeout: requestTimeoutMs });
    // It is empty if the chunk was taken.
    if (answer.data.length > 0) answerOf(answer);
  }
  const end = await connection.request(deliver_subject, undefined, { timeout: buildingTimeoutMs });
  return answerOf<StreamInfo>(end);
}
