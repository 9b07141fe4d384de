import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { ingestionSubject } from "../../../libs/commands/messages/subjects.ts";
import type { IngestionRecord } from "../../../libs/commands/outcomes/ingestion-store.ts";
import { isNoResponders } from "../../../libs/nats/errors.ts";

// The owner of an ingestion is the gateway that takes it in. It has the newest record, and answers with it on
// the ingestion's subject. NATS says at once when nobody listens there, so a dead owner is noticed.

const timeoutMs = 1_000;

/** Answers as the owner until the subscription ends. `record` is read for each answer. */
export function answerAsOwner(connection: NatsConnection, record: Readonly<IngestionRecord>): Subscription {
  return connection.subscribe(ingestionSubject(record.processor, record.ingestion), {
    callback: (_error, message) => void message.respond(JSON.stringify(record)),
  });
}

/** The owner's record; "none" if there is no owner; "silent" if there may be one that does not answer. */
export async function askOwner(
  connection: NatsConnection,
  { processor, ingestion }: Pick<IngestionRecord, "processor" | "ingestion">,
): Promise<IngestionRecord | "none" | "silent"> {
  try {
    const subject = ingestionSubject(processor, ingestion);
    const answer = await connection.request(subject, "", { timeout: timeoutMs });
    return answer.json<IngestionRecord>();
  } catch (error) {
    return isNoResponders(error) ? "none" : "silent";
  }
}
