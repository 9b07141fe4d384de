import { ownObserved } from "../checkpoint/transitions.ts";
import { ask } from "../instance/questions.ts";
import type { Context } from "./context.ts";

/** The unique_id of the Observes that the gateway makes by itself, and no client asked for. */
export const gatewayUniqueId = "kato-gateway";

/** Makes an empty Observe of the gateway's own: it ticks, makes no event, and clients do not see it. */
async function observeNothing({ checkpoint, instance }: Context): Promise<void> {
  await checkpoint.persist({ ownObserve: { unseen: null } });
  const { interval } = await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  await checkpoint.persist(ownObserved(checkpoint.current, interval));
}

/** Leaves no interval at 0, so that a restart always shows as a lower one (docs/recovery.md, Attaching). */
export async function leaveIntervalZero(context: Context): Promise<void> {
  const { checkpoint, instance } = context;
  if (checkpoint.current.interval !== 0) return;
  await observeNothing(context);
  // The empty Observe stands in percept data. Where working memory is empty, a clear takes that away and
  // nothing else.
  if (checkpoint.current.events === 0) await ask(instance, "ClearWorkingMemory", {});
}
