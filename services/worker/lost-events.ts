import { ask } from "./call.ts";
import type { Context } from "./context.ts";
import { emptied } from "./effects.ts";
import type { Step } from "./step.ts";

/** After an auto-learn that failed: KATO has dropped the events, and a replay would set it off again for ever. */
export async function dropLostEvents(context: Context, step: Step, interval: number): Promise<void> {
  await ask(context.call, "ClearWorkingMemory", {});
  await context.book.ahead({ ...emptied(step), interval });
}
