import type { RebuildAnswer } from "../../../libs/commands/messages/rebuild-request.ts";
import { degradedText, withoutWorkingMemory } from "../checkpoint/degradation.ts";
import type { Context } from "./context.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { rewind, surveyReplay } from "./replay.ts";
import { surveyOf } from "./survey.ts";

/** Tells what a rebuild, or a replay from this sequence on, would send. It changes nothing. */
export async function surveyRebuild(context: Context, from: number | undefined): Promise<RebuildAnswer> {
  if (from === undefined)
    return { kind: "surveyed", survey: await surveyOf(await observesToReplay(context)) };
  const survey = await surveyReplay(context, from);
  return survey ? { kind: "surveyed", survey } : notKept(context);
}

/** Rebuilds a reconciled instance as after a restart, except that it still has its vectors. */
export async function rebuildVolatile(context: Context): Promise<RebuildAnswer> {
  const { checkpoint } = context;
  const survey = await surveyOf(await observesToReplay(context));
  const { degradations } = checkpoint.current;
  const others = withoutWorkingMemory(degradations);
  if (others.length < degradations.length) checkpoint.update({ degradations: others });
  await rebuild(context);
  const { events, degradations: left } = checkpoint.current;
  return { kind: "rebuilt", survey, events, degraded: degradedText(left) };
}

/**
 * Takes the processor back to before this sequence, so that the command loop replays the log from there on.
 */
export async function rewindTo(context: Context, from: number): Promise<RebuildAnswer> {
  const survey = await surveyReplay(context, from);
  if (!survey) return notKept(context);
  await rewind(context, survey);
  return { kind: "replaying", survey };
}

async function notKept({ checkpoint, history }: Context): Promise<RebuildAnswer> {
  const first = await history.firstKept();
  return { kind: "not-kept", first: first <= checkpoint.current.applied ? first : 0 };
}
