import type { Msg, Subscription } from "@nats-io/transport-node";
import type { RemoveAnswer } from "../../libs/commands/messages/subjects.ts";
import { removeSubject } from "../../libs/commands/messages/subjects.ts";
import type { DeadLetters } from "../../libs/commands/outcomes/dead-letters.ts";
import { purgeKeys } from "../../libs/nats/buckets.ts";
import { isNotPermitted } from "../../libs/nats/errors.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Each request is answered by one worker of this group. */
const queue = "kato-workers";

/** The buckets that have keys of a processor, and the patterns of these keys. */
const keysOf = (processor: string) =>
  [
    ["checkpoints", processor],
    ["checkpoints", `${processor}.>`],
    ["lateCalls", `${processor}.>`],
    ["outcomes", `${processor}.>`],
    ["ingestions", `${processor}.>`],
  ] as const;

/**
 * Removes what NATS keeps of a processor, where a gateway asks for it. Only workers may take something out of a
 * log, so gateways do not do it themselves. It is refused while a worker has the processor's lease: that one
 * would write a checkpoint afterwards.
 */
export function answerRemovals(
  context: WorkerContext,
  letters: Pick<DeadLetters, "removeAll">,
): Subscription {
  return context.nats.connection.subscribe(removeSubject("*"), {
    queue,
    callback: (error, message) => {
      if (!error) void answer(context, letters, message);
    },
  });
}

async function answer(
  context: WorkerContext,
  letters: Pick<DeadLetters, "removeAll">,
  message: Msg,
): Promise<void> {
  const [, processor = ""] = message.subject.split(".");
  let told: RemoveAnswer = "failed";
  try {
    const lease = await context.stores.leases.get(processor);
    told = lease?.operation === "PUT" ? "running" : "removed";
    if (told === "removed") {
      await remove(context, letters, processor);
      context.log.warn({ processor }, "removed all data of a processor, as it was asked for");
    }
  } catch (err) {
    told = "failed";
    context.log.error({ err, processor }, "cannot remove the data of a processor");
  }
  message.respond(told);
}

async function remove(
  { nats, stores }: WorkerContext,
  letters: Pick<DeadLetters, "removeAll">,
  processor: string,
): Promise<void> {
  // This comes first: it needs no room, and gives the room that other writes may need.
  try {
    await stores.logs.remove(processor);
  } catch (error) {
    // Where no user may delete streams, an empty one stays.
    if (!isNotPermitted(error)) throw error;
    await stores.logs.empty(processor);
  }
  for (const [bucket, keys] of keysOf(processor)) await purgeKeys(nats.connection, bucket, keys);
  await letters.removeAll(processor);
}
