import { decodeRequest, decodeResponse } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import { grpcStatus as grpc } from "../../../libs/kato/grpc-status.ts";
import { learnedName } from "../../../libs/kato/model-name.ts";
import { isMethod, rpcs } from "../../../libs/kato/rpcs.ts";
import { readResponseFields } from "../../../libs/kato/wire-fields.ts";
import { commandSucceeded, passed } from "../checkpoint/transitions.ts";
import { frequencyOf } from "../instance/questions.ts";
import type { Intent } from "../model/intent.ts";
import { intentAt } from "../model/intent.ts";
import { Interrupted } from "../model/interruptions.ts";
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
import { askForVectorSymbols } from "./vector-symbols.ts";

/**
 * How commands of one method are applied. What the checkpoint becomes afterwards is in
 * checkpoint/transitions.ts.
 */
interface CommandRule {
  /**
   * Asks what has to be known before the call. The intent record that it returns is persisted before the
   * call, and proves the effect after a crash.
   */
  intent(context: Context, step: Step): Promise<Intent>;
  /** Makes the call, or calls. */
  call(context: Context, step: Step): Promise<StepOutcome>;
  afterSuccess?(context: Context): Promise<void>;
  /** Mends what the failure has done to the instance. It is called before the failure is told. */
  afterFailure?(context: Context, outcome: StepOutcome): Promise<void>;
}

/** A command that does no harm when it is sent twice. */
const repeatable: CommandRule = {
  intent: async (_, { at }) => ({ kind: "repeatable", at }),
  call: callMethod,
};

/** A command that empties working memory without learning it. */
const clearing: CommandRule = {
  ...repeatable,
  intent: async (context, step) => {
    await askForVectorSymbols(context);
    return repeatable.intent(context, step);
  },
};

const ruleByMethod = new Map<string, CommandRule>([
  ["ClearWorkingMemory", clearing],
  ["StartSleeping", clearing],
  ["Learn", { intent: intentOfLearn, call: learn, afterFailure: restoreWorkingMemory }],
  ["DeleteModel", { intent: intentOfDelete, call: deleteModel }],
  ["ClearAllMemory", { ...repeatable, afterSuccess: leaveIntervalZero, afterFailure: restoreWorkingMemory }],
  [changeRecallThresholdMethod, { intent: thresholdIntent, call: changeThreshold }],
]);

/**
 * Applies one step to an instance that is reconciled, and concludes it. Throws Interrupted if a call could
 * not be made, or if its end was not seen. Then the instance has to be reconciled before anything else is
 * called (A3). Throws NotBegun if the command must not be begun any more.
 */
export async function applyStep(context: Context, step: Step): Promise<void> {
  const { method } = step;
  if (method === "Observe") return applyObserve(context, step);
  const rule = ruleByMethod.get(method) ?? (isMethod(method) ? repeatable : undefined);
  if (!rule) {
    context.begin(step);
    return concludeStep(
      context,
      step,
      passed(step),
      refused(grpc.UNIMPLEMENTED, `no such command: ${method}`),
    );
  }
  if (isMethod(method) && rpcs[method].kind === "query") {
    context.begin(step);
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
  await concludeStep(context, step, commandSucceeded(checkpoint.current, step), outcome);
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
 * Makes the call, and checks that KATO has learned what it should. If it has not, that is undone, and the
 * step is tried again.
 */
async function learn(context: Context, step: Step): Promise<StepOutcome> {
  const outcome = await callMethod(context, step);
  const { mark } = context.checkpoint.current;
  const isForetold = mark?.kind === "learn" && mark.events !== null;
  if (outcome.outcome !== "applied" || !isForetold) return outcome;
  const learned = learnedName(decodeResponse("Learn", outcome.data).message);
  if (learned === mark.model || !context.recovery.mendsForeignCalls) return outcome;
  await undoLearn(context, learned, 0);
  throw new Interrupted("somebody else has changed working memory just before it was learned");
}

/**
 * Restores working memory after a Learn or a ClearAllMemory that failed. KATO empties working memory before
 * it writes to MongoDB. So the events are gone, and nothing else has happened.
 */
async function restoreWorkingMemory(context: Context, { grpcStatus, data }: StepOutcome): Promise<void> {
  context.checkpoint.update({ mark: null });
  if (grpcStatus === grpc.OK) await rebuild(context, readResponseFields(data).interval, true);
}

/** An earlier attempt may have deleted the model already. So the intent record of that attempt is kept. */
async function intentOfDelete(context: Context, step: Step): Promise<Intent> {
  const earlier = intentAt(context.checkpoint.current.mark, step.at);
  if (earlier?.kind === "delete") return earlier;
  return { kind: "delete", at: step.at, existed: await modelExists(context, step) };
}

/**
 * KATO fails if the model is gone. If it existed before the first attempt, an earlier attempt has deleted it.
 * That is a success.
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
