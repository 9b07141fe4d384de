import { ownObserved } from "../checkpoint/effects.ts";
import { ask } from "../instance/call.ts";
import type { Context } from "../steps/context.ts";

/** The unique_id of the Observes that are the applier's own. */
export const ownUniqueId = "kato-gateway";

/** An empty Observe of the applier's own: it ticks, makes no event, and is not seen by clients. */
async function observeOwn({ book, call }: Context): Promise<void> {
  await book.ahead({ ownObserve: { unseen: null } });
  const { interval } = await ask(call, "Observe", { unique_id: ownUniqueId });
  await book.ahead(ownObserved(book.current, interval));
}

/** No interval stays 0, so that a restart always shows as a lower one (docs/recovery.md, Attaching). */
export async function leaveIntervalZero(context: Context): Promise<void> {
  if (context.book.current.interval !== 0) return;
  await observeOwn(context);
  // The empty Observe stands in percept data; there is nothing else that a clear could take.
  if (context.book.current.events === 0) await ask(context.call, "ClearWorkingMemory", {});
}

/** Ticks that no command of ours made: somebody else calls the instance. */
export function reportForeignTicks({ book, log }: Context, ticks: number): void {
  if (ticks === 0) return;
  const degraded = "somebody else calls the instance";
  log.error({ ticks }, degraded);
  book.note({ degraded });
}
