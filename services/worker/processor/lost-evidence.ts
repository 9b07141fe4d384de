import type { Context } from "../engine/context.ts";
import { methodAt } from "../engine/method-at.ts";

/**
 * Notes up to where Observes may have been begun although nothing shows it. A successful Observe is
 * persisted a moment after it is answered. If the earlier worker and the instance both died within that
 * moment, nothing shows that the Observe was begun. So any Observe that is in the log now may have been
 * begun and answered. None of them may be removed from the log because it is late (A7).
 */
export async function noteLostEvidence(
  context: Context,
  interval: number,
  lastStored: () => Promise<number>,
): Promise<void> {
  const { interval: expected, rebuilding, mark } = context.checkpoint.current;
  // Only a restart destroys the evidence, and it shows as a lower interval. Where 0 is expected, nothing
  // was applied yet. A rebuild was persisted together with everything before it, so then nothing is
  // missing.
  if (rebuilding || interval >= expected) return;
  // A ClearAllMemory lowers the interval too. It is persisted that it is over before anything else is begun.
  if (mark && (await methodAt(context, mark.at)) === "ClearAllMemory") return;
  await context.checkpoint.persist({ perhapsBegunThrough: await lastStored() });
}
