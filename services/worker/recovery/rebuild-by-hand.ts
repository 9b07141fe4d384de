import type { RebuildAnswer } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Context } from "../steps/context.ts";
import { observesOf, rebuild } from "./rebuild.ts";
import { isOfWorkingMemory } from "./rebuild-plan.ts";
import { rewind, surveyReplay } from "./replay.ts";
import { surveyOf } from "./survey.ts";

/** Says what a rebuild would replay, and changes nothing. */
export async function surveyRebuild(context: Context, from: number | undefined): Promise<RebuildAnswer> {
  if (from === undefined) return { kind: "surveyed", survey: await surveyOf(await observesOf(context)) };
  const survey = await surveyReplay(context, from);
  return survey ? { kind: "surveyed", survey } : notKept(context);
}

/** Gives an instance that is reconciled what is volatile once more, as after a restart; it still has its vectors. */
export async function rebuildVolatile(context: Context): Promise<RebuildAnswer> {
  const { book } = context;
  const survey = await surveyOf(await observesOf(context));
  if (isOfWorkingMemory(book.current.degraded)) book.note({ degraded: "" });
  await rebuild(context);
  const { events, degraded } = book.current;
  return { kind: "rebuilt", survey, events, degraded };
}

/** Takes the processor back to before this sequence, so that the applier replays the log from there on. */
export async function rewindTo(context: Context, from: number): Promise<RebuildAnswer> {
  const survey = await surveyReplay(context, from);
  if (!survey) return notKept(context);
  await rewind(context, survey);
  return { kind: "replaying", survey };
}

async function notKept({ book, firstKept }: Context): Promise<RebuildAnswer> {
  const first = await firstKept();
  return { kind: "not-kept", first: first <= book.current.applied ? first : 0 };
}
