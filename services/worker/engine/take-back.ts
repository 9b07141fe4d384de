import { modelName } from "../../../libs/kato/model-name.ts";
import { ownObserved } from "../checkpoint/transitions.ts";
import { frequencyOf } from "../instance/questions.ts";
import { eventOfStrings } from "../model/memory-events.ts";
import type { Position } from "../model/position.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";
import { rebuild } from "./rebuild.ts";
import { expectedEvents } from "./working-memory.ts";

/**
 * Whether an Observe may be taken back. That happens once: what working memory lacks again is not missing because of
 * a late call, but because KATO did not make it. Nor is anything taken back that others have done
 * (FOREIGN_OBSERVES=leave).
 */
export function mayTakeBack({ memory, recovery }: Context, { at }: Step): boolean {
  const { takenBack } = memory;
  return recovery.mendsForeignCalls && (takenBack === null || comparePositions(takenBack, at) !== 0);
}

/**
 * Takes an Observe back that has ticked, while working memory does not have what it should have behind it: a late
 * clear of an earlier worker may have come beside it. Working memory is rebuilt without the Observe, which proves
 * that the instance does not have it. So it is to be applied again (A3). It was begun, and its success may have been
 * told, so it does not expire any more (A7). `interval` is the instance's interval now, and `events` how many events
 * working memory has.
 */
export async function takeBack(
  context: Context,
  { at, request }: Step,
  { interval, events }: { interval: number; events: number },
): Promise<void> {
  const { checkpoint, memory, recovery, log } = context;
  await noteIfLearned(context, request, events);
  log.warn({ ...at }, "working memory is not as it should be after an Observe, which is applied again");
  recovery.count("reconcile", "taken-back");
  memory.takenBack = at;
  memory.latestAnswer = null;
  noteBegun(context, at);
  checkpoint.update(ownObserved(checkpoint.current, interval));
  await rebuild(context);
}

/**
 * Notes it if KATO knows the model of the missing events: it may have been a late Learn that has taken them.
 * `count` is how many events are left. Of vectors nobody knows which symbols they got.
 */
async function noteIfLearned(context: Context, request: Uint8Array, count: number): Promise<void> {
  const event = eventOfStrings(request);
  if (!event) return;
  const events = [...(await expectedEvents(context)), event];
  const model = modelName(events.slice(0, events.length - count));
  if ((await frequencyOf(context.instance, model)) === 0) return;
  const detail = "a model that somebody else had KATO learn may be there, or count once too often";
  degrade(context, "foreign-learn", detail);
}

/** Notes that Observes up to this one may have been begun, although the checkpoint says that they are not applied. */
export function noteBegun({ checkpoint }: Context, { sequence }: Position): void {
  const { perhapsBegunThrough } = checkpoint.current;
  checkpoint.update({ perhapsBegunThrough: Math.max(perhapsBegunThrough, sequence) });
}
