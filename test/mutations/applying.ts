import type { Mutations } from "./mutation.ts";

/** Applying a step: what is persisted ahead, what is asked, and what is made of the answer. */
export const applying: Mutations = {
  "services/worker/engine/adopt.ts": [
    {
      breaks: "a replay from the beginning is made with the settings of now",
      find: "adopted: settings,",
      replace: "",
    },
    {
      breaks: "A5: the events of an adopted instance are not counted, so an auto-learn comes unforeseen",
      find: "workingMemory?.length ?? 0;",
      replace: "0;",
    },
  ],
  "services/worker/engine/apply-learning-observe.ts": [
    {
      breaks: "A5: the intent of an auto-learn is not persisted ahead of it",
      find: "await checkpoint.persist({ mark });",
      replace: "checkpoint.update({ mark });",
    },
    {
      breaks: "A5: a restart before an auto-learn is not noticed",
      find: "if (interval <= checkpoint.current.interval) return recoverDuringStep(context, interval);",
      replace: "",
    },
    {
      breaks: "A5: a restart is not noticed where the interval is by chance the expected one",
      find: "interval <= checkpoint.current.interval",
      replace: "interval < checkpoint.current.interval",
    },
    {
      breaks: "a failed auto-learn of no event is told as an Observe that failed",
      find: " && after.length + before.length > 0",
      replace: "",
    },
    {
      breaks: "A5: a rebuild sends an Observe that was refused before KATO began it",
      find: "observeNotBegun(checkpoint.current, step), outcome",
      replace: "{ ...observeNotBegun(checkpoint.current, step), notBegun: [] }, outcome",
    },
  ],
  "services/worker/engine/apply-observe.ts": [
    {
      breaks: "A5: KATO learns by itself, and it is not noticed",
      find: "if (isAutoLearnDue(before, head.hasSymbols)) {",
      replace: "if (before.events < 0) {",
    },
    {
      breaks: "A5: a rebuild sends an Observe that KATO could not read",
      find: "observeNotBegun(before, step), outcome",
      replace: "{ ...observeNotBegun(before, step), notBegun: [] }, outcome",
    },
    {
      breaks: "A5: a restart behind a connection that stands is not noticed at an Observe",
      find: "if (interval <= before.interval) return recoverDuringStep(context, interval);",
      replace: "",
    },
    {
      breaks: "A5: a restart is not noticed where the interval is by chance the expected one",
      find: "interval <= before.interval",
      replace: "interval < before.interval",
    },
    {
      breaks: "ticks of somebody else's calls are not noticed",
      find: "await mendForeignTicks(context, foreignTicks);",
      replace: "",
    },
    {
      breaks: "A7: the answer of the latest Observe is forgotten, and its failure told as a success",
      find: "memory.latestAnswer = { at: step.at, outcome };",
      replace: "",
    },
    {
      breaks: "A5: what a failed Observe has left in working memory is guessed",
      find: "if (failed) {",
      replace: "if (failed && head.hasVectors) {",
    },
    {
      breaks: "A5: an empty Observe counts as an event",
      find: "events: events + (head.hasSymbols ? 1 : 0), newest",
      replace: "events: events + 1, newest",
    },
    {
      breaks: "A5: a failed Observe of vectors is rebuilt as the event before it",
      find: "head.hasVectors && events > before.events ? newest",
      replace: "head.hasVectors ? newest",
    },
  ],
  "services/worker/engine/apply-step.ts": [
    {
      breaks: "A5: the intent of a command is not persisted ahead of its call",
      find: "await checkpoint.persist({ mark });",
      replace: "checkpoint.update({ mark });",
    },
    {
      breaks: "A5: a Learn that failed has emptied working memory, and it is not given back",
      find: "{ intent: intentOfLearn, call: learn, afterFailure: restoreWorkingMemory }",
      replace: "{ intent: intentOfLearn, call: learn }",
    },
    {
      breaks: "A7: a DeleteModel that is repeated is told as failed",
      find: "call: deleteModel }",
      replace: "call: callMethod }",
    },
    {
      breaks: "A5: the interval stays 0 after a clear, and a restart is not noticed",
      find: "...repeatable, afterSuccess: leaveIntervalZero,",
      replace: "...repeatable,",
    },
    {
      breaks: "A7: a repeated DeleteModel asks anew whether there was a model",
      find: 'if (earlier?.kind === "delete") return earlier;',
      replace: "",
    },
    {
      breaks: "A5: a command that failed counts as done",
      find: "return concludeStep(context, step, passed(step), outcome);",
      replace: "return concludeStep(context, step, commandSucceeded(checkpoint.current, step), outcome);",
    },
    {
      breaks: "A7: a DeleteModel that failed is told as a success",
      find: "return mayBeGone && !(await modelExists(context, step)) ?",
      replace: "return mayBeGone ?",
    },
    {
      breaks: "A5: vectors are observed twice after a Learn that failed",
      find: "readResponseFields(data).interval, true)",
      replace: "readResponseFields(data).interval, false)",
    },
  ],
  "services/worker/engine/call-in-step.ts": [
    {
      breaks: "A5: a restart behind a connection that stands is not noticed at a command",
      find: "if (readResponseFields(outcome.data).interval < checkpoint.current.interval) {",
      replace: "if (readResponseFields(outcome.data).interval < 0) {",
    },
    {
      breaks: "A7: of a command before which KATO was asked it is not noted that it is begun",
      find: "const known = await question();\n    context.begin(step);",
      replace: "const known = await question();",
    },
    {
      breaks: "A5: a rebuild sends an Observe before which the database was away",
      find: "const changes = isObserve ?",
      replace: "const changes = !isObserve ?",
    },
  ],
  "services/worker/engine/change-threshold.ts": [
    {
      breaks: "A3: a change of the recall threshold that is repeated is made twice",
      find: 'if (earlier?.kind === "threshold") return earlier;',
      replace: "",
    },
    {
      breaks: "A5: a threshold of 0 is set, and told as refused",
      find: "if (!(threshold > 0 && threshold <= 1)) {",
      replace: "if (!(threshold >= 0 && threshold <= 1)) {",
    },
  ],
  "services/worker/engine/conclude-step.ts": [
    {
      breaks: "A7: a failure is not persisted before the next call, and recovery takes it for a success",
      find: 'if (outcome.outcome !== "applied") await checkpoint.flush();',
      replace: "",
    },
    {
      breaks: "a command that failed for want of the database lets those behind it fail too",
      find: "instance.suspectDatabase();",
      replace: "{}",
    },
  ],
  "services/worker/engine/gateway-observe.ts": [
    {
      breaks: "A5: an Observe of the gateway's own is not persisted ahead",
      find: "await checkpoint.persist({ ownObserve: { unseen: null } });",
      replace: "checkpoint.update({ ownObserve: { unseen: null } });",
    },
    {
      breaks: "A5: what an Observe of the gateway's own has moved is not persisted before the next call",
      find: "await checkpoint.persist({ ...ticked, rebuilding: { base: interval, inPlace: true } });",
      replace: "checkpoint.update({ ...ticked, rebuilding: { base: interval, inPlace: true } });",
    },
    {
      breaks: "clients see an Observe of the gateway's own in percept data",
      find: 'await ask(instance, "ClearWorkingMemory", {});',
      replace: "",
    },
    {
      breaks: "the clear of a worker that was frozen when a processor began is not expected",
      find: "{ ...ticked, rebuilding: { base: interval, inPlace: true } }",
      replace: "ticked",
    },
  ],
  "services/worker/engine/learn-intent.ts": [
    {
      breaks: "A3: a Learn of a known model that was not begun counts as learned",
      find: "const frequency = await frequencyOf(instance, model);",
      replace: "const frequency = 0 * (await frequencyOf(instance, model));",
    },
  ],
  "services/worker/engine/conclude-failed-auto-learn.ts": [
    {
      breaks: "A5: an auto-learn that failed is set off again by every rebuild",
      find: "{ ...emptied(step), interval }",
      replace: "{ ...emptied(step), replayFrom, interval }",
    },
    {
      breaks: "A5: working memory keeps an event that the checkpoint does not count",
      find: 'await ask(context.instance, "ClearWorkingMemory", {});',
      replace: "",
    },
  ],
  "services/worker/engine/proved-outcome.ts": [
    {
      breaks: "the answer to a Learn that recovery has proved does not name its model",
      find: 'intent.model || "None"',
      replace: '"None"',
    },
    {
      breaks: "the answer to an Observe that recovery has proved does not name the model it has learned",
      find: 'intent?.kind === "learn" && intent.isObserve ? intent.model : ""',
      replace: '""',
    },
  ],
  "services/worker/engine/working-memory.ts": [
    {
      breaks: "A7: what the log says is taken for a working memory that cannot be read",
      find: "if (countSymbols(known) === size) return known;",
      replace: "if (size >= 0) return known;",
    },
  ],
};
