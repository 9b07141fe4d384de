import type { Mutations } from "./mutation.ts";

/** After a crash: reconciling, and settling a Learn. */
export const recovering: Mutations = {
  "services/worker/checkpoint/judge-log.ts": [
    {
      breaks: "a processor is held where an older version has noted its latest command a millisecond late",
      find: "notedLateMs !== 0 && notedLateMs !== 1;",
      replace: "notedLateMs !== 0;",
    },
  ],
  "libs/commands/messages/command.ts": [
    {
      breaks:
        "one processor in ten thousand is held when it is opened: its latest command is noted a millisecond late",
      find: "storedAtMsOf(message),",
      replace: "Math.floor(Number(message.timestampNanos) / 1_000_000),",
    },
  ],
  "services/worker/engine/reconcile.ts": [
    {
      breaks: "A5: a restart at interval 0 is not noticed",
      find: 'if (seen === expected && seen > 0) return { kind: "in-step" };',
      replace: 'if (seen === expected) return { kind: "in-step" };',
    },
    {
      breaks: "A5: a write that failed and must come before any call does not",
      find: "await checkpoint.flush();\n  if (replaying",
      replace: "if (replaying",
    },
    {
      breaks: "A3: a Learn is not settled where a rebuild was interrupted too",
      find: 'if (rebuilding && mark?.kind !== "learn") return',
      replace: "if (rebuilding) return",
    },
    {
      breaks: "A5: a rebuild begins at the interval of before the Learn was settled",
      find: 'const base = isSettled ? (await insist(instance, "Ping", {})).interval : interval;',
      replace: "const base = interval;",
    },
    {
      breaks: "A3: an Observe of the gateway's own is taken for one of the log",
      find: "const ownTicks = ownObserve && by > 1 ? 1 : 0;",
      replace: "const ownTicks = 0;",
    },
    {
      breaks: "ticks of somebody else's calls beside an Observe of the gateway's own are not noticed",
      find: "await mendForeignTicks(context, foreignTicks);",
      replace: "",
    },
    {
      breaks: "A5: that an Observe of the gateway's own has ticked is not persisted before the next call",
      find: "await checkpoint.persist({ ...withoutForeign(",
      replace: "checkpoint.update({ ...withoutForeign(",
    },
    {
      breaks: "A5: ticks of somebody else's calls are counted again at every Observe",
      find: "    await mendTicksUpTo(context, latestInterval);\n",
      replace: "",
    },
    {
      breaks: "A3: a Learn is made twice where somebody else has observed beside it",
      find: "    // Working memory shows what became of a marked Learn, so it is settled before that is rebuilt.\n    await",
      replace: "    if (by < 0) await",
    },
  ],
  "services/worker/engine/pass-observes.ts": [
    {
      breaks: "A3: an auto-learn that was followed by another Observe is not taken for learned",
      find: "isOver: !isLast }",
      replace: "isOver: false }",
    },
    {
      breaks: "A7: the latest Observe counts as a success, even if it failed or is still running",
      find: "} else if (isLast) {",
      replace: "} else if (isLast && index < 0) {",
    },
    {
      breaks: "A5: the Observe that waits for the latest one's end is not persisted ahead",
      find: "await checkpoint.persist({ ...earlier, ownObserve: { unseen: step.at } });",
      replace: "checkpoint.update({ ...earlier, ownObserve: { unseen: step.at } });",
    },
    {
      breaks: "A7: an Observe that is still running is judged",
      find: "  if (!answer) {\n    // The tick",
      replace: "  if (!answer && ticks < 0) {\n    // The tick",
    },
    {
      breaks: "A2: an empty Observe of the worker's own may still be running, and sets off an auto-learn",
      find: "  if (!answer) {\n    // The tick",
      replace: "  if (!answer && ticks === 0) {\n    // The tick",
    },
    {
      breaks: "A7: an Observe that made no event is told as applied",
      find: "head.hasSymbols && !hasEvent;",
      replace: "head.hasSymbols && !hasEvent && events < 0;",
    },
    {
      breaks: "A5: what the Observe of the gateway's own has moved is not persisted before the next call",
      find: "if (ticks > 0) await checkpoint.flush();",
      replace: "",
    },
    {
      breaks: "A5: an Observe of vectors is rebuilt with the symbols of the latest event",
      find: "workingMemory?.[current.events] ?? null",
      replace: "workingMemory?.at(-1) ?? null",
    },
    {
      breaks: "clients see the interval count an Observe of the gateway's own",
      find: "ownObserve: null, offset: current.offset - ticks }",
      replace: "ownObserve: null }",
    },
    {
      breaks: "A7: an Observe whose event cannot be seen is told as applied",
      find: "if (!workingMemory) outcome = unknown(",
      replace: "if (!workingMemory && failed) outcome = unknown(",
    },
    {
      breaks: "A7: an Observe whose event is not in working memory is told as applied",
      find: "if (isMissing(context, step, workingMemory)) {",
      replace: "if (index < 0) {",
    },
    {
      breaks: "A7: an Observe whose event a late clear has taken is told as failed",
      find: "return memory.unaccounted === Number.POSITIVE_INFINITY || memory.suspect !== null;",
      replace: "return false;",
    },
    {
      breaks: "A5: what a late clear has taken before an Observe is not given back",
      find: "if (missing !== 1 || !hasSymbols) return missing > 0;",
      replace: "if (missing !== 1 || !hasSymbols) return false;",
    },
  ],
  "services/worker/engine/take-back.ts": [
    {
      breaks: "what a late Learn may have learned beside an Observe is not told",
      find: 'degrade(context, "foreign-learn", detail);',
      replace: "",
    },
    {
      breaks: "an Observe whose event KATO never makes is applied for ever",
      find: "(takenBack === null || comparePositions(takenBack, at) !== 0)",
      replace: "(takenBack === null || takenBack !== null)",
    },
    {
      breaks: "A7: an Observe whose success may have been told expires",
      find: "  noteBegun(context, at);\n",
      replace: "",
    },
  ],
  "services/worker/engine/next-observes.ts": [
    {
      breaks: "A2: steps that were applied are told again",
      find: "if (done > 0 && steps.length === 0 && step.at.step < done) continue;",
      replace: "",
    },
    {
      breaks: "A2: commands behind the last Observe that has ticked count as applied",
      find: "steps: steps.slice(0, last + 1)",
      replace: "steps",
    },
    {
      breaks: "A3: commands that NATS has lost since are taken for those that came later",
      find: "if (!isMarked && needsIntent(state, step)) break;",
      replace: "",
    },
  ],
  "services/worker/engine/learn-verdict.ts": [
    {
      breaks: "A3: a Learn that was not begun counts as learned",
      find: "const hasRisen = frequency > intent.frequency;",
      replace: "const hasRisen = frequency >= intent.frequency;",
    },
    {
      breaks: "A7: a Learn of which nothing can be proved is sent again",
      find: 'if (intent.events === null || intent.frequency === unreadableFrequency) return "unknown";',
      replace: "",
    },
    {
      breaks: "A5: a model that a crash has torn stays, and every Observe that matches it fails",
      find: 'return intent.frequency === 0 ? "perhaps-torn" : "learned";',
      replace: 'return "learned";',
    },
    {
      breaks: "A3: an auto-learn counts as learned while it still runs",
      find: "events === kept &&\n",
      replace: "events >= kept &&\n",
    },
    {
      breaks: "a Learn that was not begun is waited for as long as a call may take",
      find: 'if (intent.events && startsWith(workingMemory, intent.events)) return "not-begun";',
      replace: "",
    },
    {
      breaks: "A7: a Learn that still runs, or has failed, counts as learned",
      find: 'return hasNothingToLearn ? "learned" : "may-be-running";',
      replace: 'return "learned";',
    },
    {
      breaks: "A7: an auto-learn of vectors that is still running counts as learned",
      find: "(before.length > 1 || JSON.stringify(kept) !== JSON.stringify(before[0]))",
      replace: "before.length >= 0",
    },
  ],
  "services/worker/engine/settle-learn.ts": [
    {
      breaks: "A7: an Observe that has ticked is judged before it has made its event",
      find: "if (ticked && !isOver) await pause(askAgainMs);",
      replace: "",
    },
    {
      breaks: "A3: a Learn that still stores vectors is thought not to have begun, and sent again",
      find: "if (!restarted && !intent.isObserve && hasVectors) await pause(askAgainMs);",
      replace: "",
    },
    {
      breaks: "A7: a client is told that a Learn of nothing was not begun, and it may have been",
      find: "const isBegun = isOfNothing || settled.wasBegun || mayHaveStoredVectors;",
      replace: "const isBegun = settled.wasBegun || mayHaveStoredVectors;",
    },
    {
      breaks: "A5: an auto-learn of a single event is thought to keep it",
      find: "eventsKept(checkpoint.current.events, hasSymbols)",
      replace: "checkpoint.current.events + (hasSymbols ? 1 : 0) > 0 ? 1 : 0",
    },
    {
      breaks: "A5: events that came after an auto-learn are thought to be kept by it",
      find: "workingMemory: workingMemory.slice(0, kept) }",
      replace: "workingMemory }",
    },
    {
      breaks: "A1: after a Learn that recovery has found learned, KATO is called while it still writes",
      find: 'if (verdict === "learned" && !restarted) await pause(askAgainMs);',
      replace: "",
    },
    {
      breaks: "A3: a Learn that still runs is given up at once, and sent again",
      find: "if (waitedMs >= instance.callTimeoutMs) {",
      replace: "if (waitedMs >= 0) {",
    },
    {
      breaks: "A7: an auto-learn of vectors that nobody can tell of is told as lost",
      find: "const canTell = intent.events !== null && intent.frequency !== unreadableFrequency;",
      replace: "const canTell = intent.frequency >= 0;",
    },
    {
      breaks: "A5: an Observe whose auto-learn failed is thought to have its events still",
      find: "if (events !== intent.events?.length) {",
      replace: "if (events < 0) {",
    },
    {
      breaks: "A5: after a restart an auto-learn of unknown end is thought to have left an event",
      find: "restarted ? [] : workingMemory)",
      replace: "workingMemory)",
    },
    {
      breaks: "A7: an auto-learn of which nothing can be proved is told as applied",
      find: 'unknown("whether it was learned cannot be proved")',
      replace: "provedOutcome(context, step)",
    },
    {
      breaks: "that KATO died in a Learn which took effect does not show as degraded",
      find: "if (situation.restarted) notePerhapsTorn(context);",
      replace: "",
    },
    {
      breaks: "an auto-learn of which nothing can be proved does not show as degraded",
      find: 'degrade(context, "auto-learn-unknown", detail);',
      replace: "",
    },
  ],
  "services/worker/engine/probe-events.ts": [
    {
      breaks: "A5: that a torn Learn is looked for is not persisted ahead of the Observes for it",
      find: "await checkpoint.persist({ rebuilding: { base, inPlace: false } });",
      replace: "checkpoint.update({ rebuilding: { base, inPlace: false } });",
    },
    {
      breaks: "A5: KATO learns by itself while a torn Learn is looked for",
      find: 'await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });',
      replace: "",
    },
    {
      breaks: "a torn model is not found, as nothing is predicted",
      find: 'if (index === events.length - 1) await insist(instance, "StartPredicting", {});',
      replace: "",
    },
  ],
  "services/worker/engine/trace-auto-learn.ts": [
    {
      breaks: "the model of an auto-learn of vectors stays torn, and every Observe that matches it fails",
      find: "if (hasFailed && (await giveStatistics(context, intent))) {",
      replace: "if (hasFailed && intent.spare !== undefined) {",
    },
    {
      breaks: "A7: an auto-learn of vectors that were known before is told as learned",
      find: "alike?.length !== 1 || !hasNew)",
      replace: "alike?.length !== 1)",
    },
    {
      breaks: "A3: an auto-learn that stored nothing is thought to have been carried out",
      find: "if (vectors.some(({ values }) => values === null))",
      replace: "if (vectors.length < 0)",
    },
    {
      breaks: "a model that was learned only for its symbols' statistics stays after another crash",
      find: "await removeSpare(context, intent);",
      replace: "",
    },
  ],
  "services/worker/engine/spare-model.ts": [
    {
      breaks: "A1: an auto-learn is traced while KATO still learns for the statistics of symbols",
      find: "if (interval > base + before.length) await waitForSpare(context, spare);",
      replace: "",
    },
  ],
  "services/worker/engine/torn-model.ts": [
    {
      breaks: "A7: a torn model that KATO does not delete counts as deleted",
      find: 'if ((await frequencyOf(instance, name)) > 0) throw new Interrupted("the model cannot be deleted");',
      replace: "",
    },
    {
      breaks: "a torn Learn does not show as degraded",
      find: 'degrade(context, "learn-torn", detail);',
      replace: "",
    },
    {
      breaks: "a torn model that was deleted is not told if the worker dies then",
      find: "  await checkpoint.flush();\n",
      replace: "",
    },
  ],
};
