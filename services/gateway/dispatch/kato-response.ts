import type { Reply } from "../../../libs/commands/messages/reply.ts";
import type { Json, JsonObject } from "../../../libs/kato/json.ts";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import { withPrefix } from "../../../libs/kato/model-name.ts";

// What wordings (answer.ts) and routes read from KATO's response.

/** The `data` of a response that is a Struct with that one key; null if there is none. */
export function dataOf({ response }: KatoResponse): Json {
  return (response as JsonObject | undefined)?.data ?? null;
}

/**
 * Predictions with the full names of their models. KATO answers null while predicting is off; that is an
 * empty list.
 */
export function predictionsOf(response: KatoResponse): Json {
  const list = (dataOf(response) ?? []) as JsonObject[];
  return list.map((prediction) => ({ ...prediction, name: withPrefix("MODEL|", String(prediction.name)) }));
}

/** What is added to KATO's interval, so that clients see it go on counting over a restart of the instance. */
export function intervalOffset({ interval }: KatoResponse, reply: Reply): number {
  return (reply.interval ?? interval) - interval;
}
