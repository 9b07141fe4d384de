import type { Mutations } from "./mutation.ts";

/** Giving an instance back what it lost, and replaying by hand. */
export const rebuilding: Mutations = {
  "services/worker/engine/rebuild-by-hand.ts": [
    {
      breaks: "a rebuild by hand leaves the processor degraded",
      find: "if (others.length < degradations.length) checkpoint.update({ degradations: others });",
      replace: "",
    },
  ],
  "services/worker/engine/rebuild-plan.ts": [
    {
      breaks: "A5: a rebuild leaves out the event that an auto-learn has kept",
      find: "if (keptEvent) {",
      replace: "if (keptEvent && checkpoint.applied < 0) {",
    },
    {
      breaks: "A5: vectors that wait to be learned are lost at a restart",
      find: "if (head.hasVectors) plan.vectors.push(vectorsOf(step, symbols ?? []));",
      replace: "",
    },
    {
      breaks: "A5: a rebuild gives back events that were cleared",
      find: "if (comparePositions(step.at, replayFrom) < 0) continue;",
      replace: "",
    },
    {
      breaks: "A5: a rebuild sorts the symbols of vectors anew",
      find: "symbols !== undefined && isSorted(symbols)",
      replace: "symbols !== undefined",
    },
    {
      breaks: "after a restart there are predictions where predicting was off",
      find: "if (head.hasSymbols && settings.predictedLast) plan.predictAt",
      replace: "if (head.hasSymbols) plan.predictAt",
    },
    {
      breaks: "a rebuild that is not exact is not noticed",
      find: "if (workingMemory.length !== count) {",
      replace: "if (count < 0) {",
    },
    {
      breaks: "A5: the emotives of an Observe of vectors are lost at a restart",
      find: "{ ...observation, strings: symbols, vectors: [] }",
      replace: "{ strings: symbols, vectors: [] }",
    },
  ],
  "services/worker/engine/rebuild.ts": [
    {
      breaks: "A5: a rebuild is not persisted ahead of its first call",
      find: "await checkpoint.persist({ ownObserve: null, rebuilding: { base: base ?? interval, inPlace } });",
      replace: "checkpoint.update({ ownObserve: null, rebuilding: { base: base ?? interval, inPlace } });",
    },
    {
      breaks: "A5: a rebuild whose instance has restarted goes on instead of beginning anew",
      find: "if (interval < rebuilding.base) return rebuild(context, interval, false);",
      replace: "",
    },
    {
      breaks: "A5: the own Observe of a rebuild that was resumed and interrupted again is not counted",
      find: "const hasTicked = ownObserve !== null && interval > before.interval;",
      replace: "const hasTicked = false;",
    },
    {
      breaks: "A5: an auto-learn is set off where a rebuild is resumed",
      find: 'await insist(instance, "UpdateGenes", { genes: { max_sequence_length: 0 } });',
      replace: "",
    },
    {
      breaks: "A5: the own Observe of a resumed rebuild is not persisted ahead",
      find: "await checkpoint.persist({ ...at(interval, base), ownObserve: { unseen: null } });",
      replace: "checkpoint.update({ ...at(interval, base), ownObserve: { unseen: null } });",
    },
    {
      breaks: "A5: that the own Observe of a resumed rebuild has ticked is not persisted",
      find: "await checkpoint.persist({ ...at(answer.interval, base + 1), ownObserve: null });",
      replace: "checkpoint.update({ ...at(answer.interval, base + 1), ownObserve: null });",
    },
    {
      breaks: "A5: a rebuild in place observes vectors twice",
      find: "before.rebuilding?.inPlace ? [] :",
      replace: "before.applied < 0 ? [] :",
    },
    {
      breaks: "an instance that slept is awake after a restart",
      find: 'before.settings.sleeping ? "StartSleeping" : "ClearWorkingMemory"',
      replace: '"ClearWorkingMemory"',
    },
    {
      breaks: "KATO learns no more by itself after a restart",
      find: "await restoreModes(context);",
      replace: "",
    },
    {
      breaks: "clients see the interval go back after a restart",
      find: "offset: before.interval + before.offset - interval,\n    events,",
      replace: "events,",
    },
    {
      breaks: "a rebuild that is not exact does not show as degraded",
      find: "...(found && { degradations: degradedBy(before.degradations, found.code, found.detail) }),",
      replace: "",
    },
    {
      breaks: "A5: a rebuild goes on behind an Observe whose end was not seen",
      find: 'if (result.kind === "not-sent" || result.kind === "unseen") throw',
      replace: 'if (result.kind === "not-sent") throw',
    },
    {
      breaks: "A5: a rebuild gives back steps that were not applied",
      find: "if (read.at.sequence > applied && read.at.step >= step) break;",
      replace: "",
    },
    {
      breaks: "A5: vectors that were observed before a clear are not learned after a restart",
      find: "||\n      (vectorsFrom !== null && comparePositions(read.at, vectorsFrom) >= 0);",
      replace: ";",
    },
    {
      breaks: "A5: a rebuild gives back what KATO never began",
      find: "if (isNeeded && wasBegun) observes.push(read);",
      replace: "if (isNeeded) observes.push(read);",
    },
    {
      breaks: "A5: vectors that were learned are learned a second time",
      find: "isLearned ||= JSON.stringify(learned) === JSON.stringify(vector.sum);",
      replace: "isLearned ||= learned === vector.sum;",
    },
    {
      breaks: "A5: the interval stays 0 after a rebuild, and the next restart is not noticed",
      find: "await leaveIntervalZero(context);",
      replace: "",
    },
  ],
  "services/worker/engine/restore-settings.ts": [
    {
      breaks: "another recall threshold is searched with after a restart",
      find: 'await ask(instance, "IncrementRecallThreshold", { value: 0 });',
      replace: "",
    },
    {
      breaks: "A5: a rebuild makes KATO learn",
      find: "{ ...genes, max_sequence_length: 0 }",
      replace: "{ ...genes }",
    },
  ],
  "services/worker/engine/replay.ts": [
    {
      breaks: "A7: a replay forgets which commands clients were told will not be begun",
      find: "    cancelled,\n    perhapsBegunThrough,\n    foreign,",
      replace: "    perhapsBegunThrough,\n    foreign,",
    },
    {
      breaks: "A5: a replay is told to have begun before it is persisted",
      find: "await checkpoint.persist({\n    ...firstCheckpoint,",
      replace: "checkpoint.update({\n    ...firstCheckpoint,",
    },
    {
      breaks: "A5: a replay begins where the log has gaps",
      find: "if (from > applied || from < (await history.firstKept())) return undefined;",
      replace: "if (from > applied) return undefined;",
    },
    {
      breaks: "a replay from the beginning searches with a later recall threshold",
      find: "settings: { ...adopted, searchedThreshold } };",
      replace: "settings: adopted };",
    },
  ],
};
