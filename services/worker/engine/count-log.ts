import type { RebuildSurvey } from "../../../libs/commands/messages/rebuild-request.ts";
import type { Step } from "../model/step.ts";

/** Counts the commands, Observes and Learns in a part of the log. */
export async function countLog(steps: AsyncIterable<Step> | Iterable<Step>): Promise<RebuildSurvey> {
  const survey: RebuildSurvey = { from: 0, through: 0, commands: 0, observes: 0, learns: 0 };
  for await (const { at, method, isLast } of steps) {
    survey.from ||= at.sequence;
    survey.through = at.sequence;
    if (isLast) survey.commands++;
    if (method === "Observe") survey.observes++;
    if (method === "Learn") survey.learns++;
  }
  return survey;
}
