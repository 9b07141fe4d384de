import { modelName } from "../../../libs/kato/model-name.ts";
import { frequencyOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import type { Position } from "../model/position.ts";
import type { Context } from "./context.ts";
import { stepAt } from "./method-at.ts";
import { removeIfTorn } from "./torn-model.ts";
import { expectedEvents } from "./working-memory.ts";

/** Of how many of the latest events working memory may have been without, when the late Observe came. */
const eventsSince = 8;

/**
 * Deletes the model of a late Observe that made KATO learn by itself, if KATO has died in the middle of that: each
 * Observe that matches it would fail. `at` is the Observe's place in the log. Of vectors nobody knows the model. A rebuild
 * has to follow.
 */
export async function removeTornByLate(context: Context, at: Position): Promise<void> {
  const { checkpoint, instance } = context;
  const { max_sequence_length = 0 } = checkpoint.current.settings.genes;
  const step = max_sequence_length === 0 ? undefined : await stepAt(context, at);
  const event = step && eventOfStrings(step.request);
  if (!event) return;
  const known = await expectedEvents(context);
  for (let count = known.length; count > 0 && count > known.length - eventsSince; count--) {
    const events = [...known.slice(0, count), event];
    const model = modelName(events);
    const mayBeTorn = (await frequencyOf(instance, model)) === 1;
    if (mayBeTorn && (await removeIfTorn(context, { events, model }))) return;
  }
}
