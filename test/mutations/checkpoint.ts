import type { Mutations } from "./mutation.ts";

/** What is persisted of a processor, and what is trimmed for it. */
export const checkpoint: Mutations = {
  "services/worker/checkpoint/checkpoint.ts": [
    {
      breaks: "A5: an instance is adopted after the gateway has observed in it",
      find: "step === 0 && !ownObserve &&",
      replace: "step === 0 &&",
    },
    {
      breaks: "the last command of a replay is told again",
      find: "return sequence <= (replaying?.through ?? 0);",
      replace: "return sequence < (replaying?.through ?? 0);",
    },
  ],
  "services/worker/checkpoint/checkpoint-store.ts": [
    {
      breaks: "A5: a worker writes over the checkpoint of the one that took over",
      find: "await this.#bucket.update(this.#processor, text, this.#revision);",
      replace: "await this.#bucket.put(this.#processor, text);",
    },
    {
      breaks: "A4: a worker whose checkpoint another one has written tries on and on",
      find: "error.code === JetStreamApiCodes.StreamWrongLastSequence;",
      replace: "error.code === 0;",
    },
    {
      breaks: "a worker whose write got no answer gives its processor up",
      find: "await this.#adoptUnanswered();",
      replace: "",
    },
    {
      breaks: "A5: a worker takes another one's checkpoint for its own, and writes over it",
      find: "if (!entry || !this.#unanswered.has(entry.string())) return;",
      replace: "if (!entry) return;",
    },
    {
      breaks: "A5: a crash leaves a large checkpoint with parts of another one",
      find: "const group = nuid.next();",
      replace: 'const group = "parts";',
    },
    {
      breaks: "parts of large checkpoints stay in the bucket for ever",
      find: "if (before !== undefined && before !== this.#group) await this.#dropGroup(before);",
      replace: "",
    },
    {
      breaks: "the checkpoint of an older version cannot be used",
      find: "    ...firstCheckpoint,\n    ...rest,",
      replace: "    ...rest,\n    ...{},",
    },
  ],
  "services/worker/checkpoint/checkpoint-writer.ts": [
    {
      breaks: "A7: a command counts as applied before its outcome is kept",
      find: "await Promise.all(this.#awaited).catch(",
      replace: "await Promise.all([]).catch(",
    },
    {
      breaks: "A7: a client is told of a failure before it is persisted",
      find: "this.#afterwards.push(task);",
      replace: "task();",
    },
    {
      breaks: "A5: what changes during a write counts as persisted",
      find: "this.#persisted = latest;",
      replace: "this.#persisted = this.#current;",
    },
    {
      breaks: "a worker takes its own write for another one's",
      find: "this.#writing = this.#writing.then(write, write);",
      replace: "this.#writing = write();",
    },
    {
      breaks: "A5: a writer that was closed writes over the next one's checkpoint",
      find: 'if (this.#isClosed) throw new Error("another writer has taken the checkpoint over");',
      replace: "",
    },
    {
      breaks: "a write that failed is not tried again",
      find: "if (error instanceof Interrupted) this.#writeLater();",
      replace: "",
    },
    {
      breaks: "a client is never told of a failure where the first write failed",
      find: "this.#afterwards.unshift(...afterwards);",
      replace: "",
    },
    {
      breaks: "A4: a worker that has lost its processor after an outage of NATS goes on",
      find: "if (!this.#isFailing || error instanceof LeaseLost) this.#options",
      replace: "if (!this.#isFailing) this.#options",
    },
  ],
  "services/worker/checkpoint/degradation.ts": [
    {
      breaks: "of several reasons for being degraded only the latest is told",
      find: "return [...degradations.filter((one) => one !== before), added];",
      replace: "return [added];",
    },
  ],
  "services/worker/checkpoint/transitions.ts": [
    {
      breaks: "A5: Observes that took place count as not begun",
      find: "latest?.interval === interval ?",
      replace: "latest !== undefined ?",
    },
    {
      breaks: "predictions are asked for by the id of an observation that failed",
      find: "...(!seen.failed && { latestUniqueId: head.uniqueId }),",
      replace: "...{ latestUniqueId: head.uniqueId },",
    },
    {
      breaks: "A5: of vectors that wait to be learned only the latest is kept",
      find: "checkpoint.vectorsFrom ?? step.at",
      replace: "step.at",
    },
    {
      breaks: "A5: the event that an auto-learn has kept is lost at a restart",
      find: "keptEvent: seen.kept.at(-1) ?? null,",
      replace: "keptEvent: null,",
    },
    {
      breaks: "A5: vectors that an auto-learn has learned are learned again after a restart",
      find: "    ...nothingToLearn,\n    latestUniqueId: seen",
      replace: "    latestUniqueId: seen",
    },
    {
      breaks: "A5: vectors that a Learn has learned are learned again after a restart",
      find: "({ ...emptied(step), ...nothingToLearn }),",
      replace: "emptied(step),",
    },
    {
      breaks: "A5: vectors that were observed before a clear are never learned after a restart",
      find: "ClearWorkingMemory: (_: Checkpoint, step: Step): Changes => emptied(step),",
      replace:
        "ClearWorkingMemory: (_: Checkpoint, step: Step): Changes => ({ ...emptied(step), ...nothingToLearn }),",
    },
    {
      breaks: "a processor stays degraded after ClearAllMemory",
      find: "      degradations: [],\n",
      replace: "",
    },
    {
      breaks: "A5: falling asleep clears working memory, and a rebuild gives it back",
      find: "StartSleeping: (checkpoint: Checkpoint, step: Step): Changes => ({\n      ...emptied(step),",
      replace: "StartSleeping: (checkpoint: Checkpoint, step: Step): Changes => ({\n      ...passed(step),",
    },
    {
      breaks: "genes that were set before are lost at a restart",
      find: "genes: { ...checkpoint.settings.genes, ...genes }",
      replace: "genes",
    },
    {
      breaks: "another recall threshold is searched with after a restart",
      find: "withSettings(checkpoint, { genes, searchedThreshold: mark.value })",
      replace: "withSettings(checkpoint, { genes })",
    },
    {
      breaks: "clients see the interval count an Observe of the gateway's own",
      find: "offset: checkpoint.offset - (interval - checkpoint.interval) };",
      replace: "offset: checkpoint.offset };",
    },
    {
      breaks: "A5: KATO learns by itself one Observe earlier than foreseen",
      find: "events + (hasSymbols ? 1 : 0) >= n;",
      replace: "events + (hasSymbols ? 1 : 0) > n;",
    },
    {
      breaks: "A5: vectors that wait to be learned are trimmed from the log",
      find: "vectorsFrom?.sequence ?? replayFrom.sequence",
      replace: "replayFrom.sequence",
    },
    {
      breaks: "A5: the kept event of an earlier auto-learn is given back after a clear",
      find: "replayFrom: positionAfter(step), keptEvent: null, events: 0",
      replace: "replayFrom: positionAfter(step), events: 0",
    },
  ],
  "services/worker/processor/retention-limit.ts": [
    {
      breaks: "A5: what a rebuild needs is trimmed",
      find: "Math.min(neededFrom(checkpoint), historyFrom)",
      replace: "historyFrom",
    },
    {
      breaks: "the log keeps commands that are older than LOG_HISTORY_HOURS, or more than LOG_HISTORY",
      find: "Math.max(checkpoint.applied + 1 - commands, firstYoung)",
      replace: "Math.min(checkpoint.applied + 1 - commands, firstYoung)",
    },
  ],
  "services/worker/processor/retention.ts": [
    {
      breaks: "A5: the log is trimmed by a checkpoint that is not persisted",
      find: "trimmedBelow(checkpoint.persisted, kept",
      replace: "trimmedBelow(checkpoint.current, kept",
    },
    {
      breaks: "A4, A5: the log is trimmed while the processor is taken back in it, or without the lease",
      find: "await this.#exclusively(async () => {",
      replace: "await ((task: () => Promise<void>) => task())(async () => {",
    },
    {
      breaks: "history keeps new commands out of a log that fills up",
      find: "? 0 : commands;",
      replace: "? commands : commands;",
    },
    {
      breaks: "an old log without new commands is not trimmed",
      find: "{ first: checkpoint.persisted.applied + 1, untilMs: 0 }",
      replace: "{ first: 0, untilMs: 0 }",
    },
  ],
};
