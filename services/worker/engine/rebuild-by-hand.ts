import type { RebuildAnswer } from "../../../libs/commands/messages/rebuild-request.ts";
import { degradedText, withoutWorkingMemory } from "../checkpoint/degradation.ts";
import type { Context } from "./context.ts";
import { countLog } from "./count-log.ts";
import { observesToReplay, rebuild } from "./rebuild.ts";
import { rewind, surveyReplay } from "./replay.ts";

/** Tells what a rebuild would send, or, with `from`, a replay from that sequence on. It changes nothing. */
export async function surveyRebuild(context: Context, from: number | undefined): Promise<RebuildAnswer> {
  if (from === undefined)
    return { kind: "surveyed", survey: await countLog(await observesToReplay(context)) };
  const survey = await surveyReplay(context, from);
  return survey ? { kind: "surveyed", survey } : notKept(context);
}

/** Rebuilds a reconciled instance as after a restart, except that it still has its vectors. */
export async function rebuildVolatile(context: Context): Promise<RebuildAnswer> {
  const { checkpoint } = context;
  const survey = await countLog(await observesToReplay(context));
  const { degradations } = checkpoint.current;
  const others = withoutWorkingMemory(degradations);
  if (others.length < degradations.length) checkpoint.update({ degradations: others });
  await rebuild(context);
  const { events, degradations: left } = checkpoint.current;
  return { kind: "rebuilt", survey, events, degraded: degradedText(left) };
}

/** Takes the checkpoint back to before this sequence. Then the command loop replays the log from there on. */
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
