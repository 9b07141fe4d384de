import { ownObserved } from "../checkpoint/transitions.ts";
import { ask } from "../instance/questions.ts";
import type { Context } from "./context.ts";

/** The unique_id of the Observes that the worker makes by itself, and that no client has sent. */
export const gatewayUniqueId = "kato-gateway";

/** Makes an empty Observe. It ticks and makes no event. Clients do not see it. */
async function observeNothing({ checkpoint, instance }: Context): Promise<void> {
  await checkpoint.persist({ ownObserve: { unseen: null } });
  const { interval } = await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  await checkpoint.persist(ownObserved(checkpoint.current, interval));
}

/**
 * If the interval is 0, raises it by an empty Observe. So a restart always shows as a lower interval
 * (docs/recovery.md, Attaching).
 */
export async function leaveIntervalZero(context: Context): Promise<void> {
  const { checkpoint, instance } = context;
  if (checkpoint.current.interval !== 0) return;
  await observeNothing(context);
  // The empty Observe is in percept data now. If working memory is empty, a clear removes that and nothing
  // else.
  if (checkpoint.current.events === 0) await ask(instance, "ClearWorkingMemory", {});
}
