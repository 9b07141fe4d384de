import { status as grpc } from "@grpc/grpc-js";
import { decodeRequest, decodeResponse } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { commanded, passed } from "../checkpoint/transitions.ts";
import { frequencyOf } from "../instance/questions.ts";
import type { Intent } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import type { StepOutcome } from "../model/step-outcome.ts";
import { refused } from "../model/step-outcome.ts";
import { applyObserve } from "./apply-observe.ts";
import { askBefore, callInStep } from "./call-in-step.ts";
import { changeThreshold, thresholdIntent } from "./change-threshold.ts";
import { concludeStep } from "./conclude-step.ts";
import type { Context } from "./context.ts";
import { leaveIntervalZero } from "./gateway-observe.ts";
import { learnIntent } from "./learn-intent.ts";
import { provedOutcome } from "./proved-outcome.ts";
import { rebuild } from "./rebuild.ts";
import { undoLearn } from "./undo-learn.ts";
import { untouchedWorkingMemory } from "./untouched.ts";

/**
 * How a kind of command is applied. What the checkpoint becomes then is in checkpoint/transitions.ts, by
 * method too.
 */
interface CommandRule {
  /**
   * Asks what has to be known before the call. What it returns is persisted ahead, and will prove the effect.
   */
  intent(context: Context, step: Step): Promise<Intent>;
  /** Makes the call, or calls. */
  call(context: Context, step: Step): Promise<StepOutcome>;
  afterSuccess?(context: Context): Promise<void>;
  /** What has to be mended before the failure is told. */
  afterFailure?(context: Context, outcome: StepOutcome): Promise<void>;
}

/** A command that does no harm when it is sent twice. */
const repeatable: CommandRule = {
  intent: async (_, { at }) => ({ kind: "repeatable", at }),
  call: callMethod,
};

const ruleByMethod = new Map<string, CommandRule>([
  ["Learn", { intent: intentOfLearn, call: learn, afterFailure: restoreWorkingMemory }],
  ["DeleteModel", { intent: intentOfDelete, call: deleteModel }],
  ["ClearAllMemory", { ...repeatable, afterSuccess: leaveIntervalZero, afterFailure: restoreWorkingMemory }],
  [changeRecallThresholdMethod, { intent: thresholdIntent, call: changeThreshold }],
]);

/**
 * Applies one step to an instance that is reconciled, and concludes it. Throws Interrupted when a call's end
 * was not seen or the call could not be made: then the instance has to be reconciled before anything else
 * (A3).
 */
export async function applyStep(context: Context, step: Step): Promise<void> {
  const { method } = step;
  if (method === "Observe") return applyObserve(context, step);
  const rule = ruleByMethod.get(method) ?? (isMethod(method) ? repeatable : undefined);
  if (!rule) {
    return concludeStep(
      context,
      step,
      passed(step),
      refused(grpc.UNIMPLEMENTED, `no such command: ${method}`),
    );
  }
  if (isMethod(method) && rpcs[method].kind === "query") {
    return concludeStep(context, step, passed(step), await callMethod(context, step));
  }
  return applyByRule(context, step, rule);
}

async function applyByRule(context: Context, step: Step, rule: CommandRule): Promise<void> {
  const { checkpoint } = context;
  const mark = await askBefore(context, step, () => rule.intent(context, step));
  if (!mark) return;
  await checkpoint.persist({ mark });
  const outcome = await rule.call(context, step);
  if (outcome.outcome !== "applied") {
    await rule.afterFailure?.(context, outcome);
    return concludeStep(context, step, passed(step), outcome);
  }
  await concludeStep(context, step, commanded(checkpoint.current, step), outcome);
  await rule.afterSuccess?.(context);
}

function callMethod(context: Context, { method, request }: Step): Promise<StepOutcome> {
  if (!isMethod(method)) throw new TypeError(`${method} is no RPC`);
  return callInStep(context, method, request);
}

async function intentOfLearn(context: Context, step: Step): Promise<Intent> {
  return learnIntent(context, step, await untouchedWorkingMemory(context), false);
}

/**
 * Makes the call, and looks whether what was learned is what should be. Where it is not, that is undone, and
 * the step tried again.
 */
async function learn(context: Context, step: Step): Promise<StepOutcome> {
  const outcome = await callMethod(context, step);
  const { mark } = context.checkpoint.current;
  const isForetold = mark?.kind === "learn" && mark.events !== null;
  if (outcome.outcome !== "applied" || !isForetold) return outcome;
  const learned = learnedName(decodeResponse("Learn", Buffer.from(outcome.data)).message);
  if (learned === mark.model || !context.recovery.mendsForeignCalls) return outcome;
  await undoLearn(context, learned, 0);
  throw new Interrupted("somebody else has changed working memory just before it was learned");
}

/**
 * After a Learn or a ClearAllMemory that failed: KATO empties working memory before it writes to MongoDB, so
 * the events are gone and nothing else has happened.
 */
async function restoreWorkingMemory(context: Context, { grpcStatus, data }: StepOutcome): Promise<void> {
  context.checkpoint.update({ mark: null });
  if (grpcStatus === grpc.OK) await rebuild(context, readResponseFields(data).interval, true);
}

/** An earlier attempt may have deleted the model already, so what that one found counts. */
async function intentOfDelete(context: Context, step: Step): Promise<Intent> {
  const { mark } = context.checkpoint.current;
  if (mark?.kind === "delete" && comparePositions(mark.at, step.at) === 0) return mark;
  return { kind: "delete", at: step.at, existed: await modelExists(context, step) };
}

/**
 * KATO fails when the model is gone. Where it existed before, an earlier attempt has deleted it, which is a
 * success.
 */
async function deleteModel(context: Context, step: Step): Promise<StepOutcome> {
  const outcome = await callMethod(context, step);
  const { mark } = context.checkpoint.current;
  const mayBeGone = outcome.outcome === "failed" && mark?.kind === "delete" && mark.existed;
  return mayBeGone && !(await modelExists(context, step)) ? provedOutcome(context, step) : outcome;
}

async function modelExists({ instance }: Context, step: Step): Promise<boolean> {
  const { name } = decodeRequest("DeleteModel", Buffer.from(step.request));
  return (await frequencyOf(instance, name)) > 0;
}
