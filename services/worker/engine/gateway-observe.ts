import { ownObserved } from "../checkpoint/transitions.ts";
import { ask } from "../instance/questions.ts";
import type { Context } from "./context.ts";

/** The unique_id of the Observes that the worker makes by itself, and that no client has sent. */
export const gatewayUniqueId = "kato-gateway";

/**
 * If the interval is 0, raises it by an empty Observe, which makes no event. So a restart always shows as a
 * lower interval (docs/recovery.md, Attaching). Clients do not see it.
 */
export async function leaveIntervalZero({ checkpoint, instance }: Context): Promise<void> {
  if (checkpoint.current.interval !== 0) return;
  await checkpoint.persist({ ownObserve: { unseen: null } });
  const { interval } = await ask(instance, "Observe", { unique_id: gatewayUniqueId });
  const ticked = ownObserved(checkpoint.current, interval);
  if (checkpoint.current.events > 0) return checkpoint.persist(ticked);
  // The empty Observe is in percept data now. As working memory is empty, a clear removes that and nothing
  // else. It is persisted as a rebuild, so that the next owner knows of it if this worker is frozen before it.
  await checkpoint.persist({ ...ticked, rebuilding: { base: interval, inPlace: true } });
  await ask(instance, "ClearWorkingMemory", {});
  await checkpoint.persist({ rebuilding: null });
}
