import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import { readObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { isReplayed } from "../checkpoint/checkpoint.ts";
import { firstMissing } from "../checkpoint/log-gaps.ts";
import type { Changes } from "../checkpoint/transitions.ts";
import { commandSucceeded, eventsKept, isAutoLearnDue } from "../checkpoint/transitions.ts";
import { intentAt } from "../model/intent.ts";
import { NotProvable } from "../model/interruptions.ts";
import type { Step } from "../model/step.ts";
import type { Context } from "./context.ts";

/**
 * The next steps of the log that the checkpoint does not have, up to the `count`th Observe. `foreignTicks` is
 * `count` less the number of Observes among them.
 *
 * They end before a step that needs an intent record and has none. The record is persisted before the step is
 * begun, so nobody has begun that step, nor any behind it. Ticks that are left over are somebody else's, or NATS
 * went back to an earlier state.
 */
export async function nextObserves(
  { checkpoint, history }: Context,
  count: number,
): Promise<{ steps: Step[]; foreignTicks: number }> {
  const { applied, step: done, mark } = checkpoint.current;
  let state = checkpoint.current;
  let left = count;
  const steps: Step[] = [];
  for await (const step of history.steps({ sequence: applied + 1, step: 0 }, Number.MAX_SAFE_INTEGER)) {
    if (done > 0 && steps.length === 0 && step.at.step < done) continue;
    const isMarked = intentAt(mark, step.at) !== undefined;
    if (!isMarked && needsIntent(state, step)) break;
    steps.push(step);
    state = { ...state, ...passedOver(state, step, isMarked) };
    if (step.method === "Observe" && --left === 0) break;
  }
  const last = steps.findLastIndex(({ method }) => method === "Observe");
  return { steps: steps.slice(0, last + 1), foreignTicks: left };
}

/** Whether an intent record is persisted before the step is begun. */
function needsIntent(state: Checkpoint, { method, request }: Step): boolean {
  if (method === "Observe") return isAutoLearnDue(state, readObservationFields(request).hasSymbols);
  return !(isMethod(method) && rpcs[method].kind === "query");
}

/** What the step changes that decides which of the next ones needs an intent record. */
function passedOver(state: Checkpoint, step: Step, isMarked: boolean): Changes {
  if (step.method !== "Observe") return commandSucceeded(state, step);
  const { hasSymbols } = readObservationFields(step.request);
  if (isMarked) return { events: eventsKept(state.events, hasSymbols) };
  return { events: state.events + (hasSymbols ? 1 : 0) };
}

/**
 * Checks that no command is missing before or between these steps. If one is, nobody knows which Observes have
 * ticked: it may have been one of them. Commands that were taken out of the log were not begun.
 */
export function checkComplete({ checkpoint }: Context, steps: readonly Step[]): void {
  const { applied, replaying } = checkpoint.current;
  let expected = applied + 1;
  for (const { at } of steps) {
    // In what is replayed there are gaps: what was taken out of the log when it was first applied.
    expected = isReplayed(checkpoint.current, at.sequence)
      ? at.sequence
      : Math.max(expected, (replaying?.applied ?? 0) + 1);
    const missing = firstMissing(checkpoint.current, expected, at.sequence);
    if (missing < at.sequence) {
      const which = `command ${missing} is lost from the log`;
      throw new NotProvable(`${which}, and nobody knows whether the instance has it`);
    }
    expected = at.sequence + 1;
  }
}
