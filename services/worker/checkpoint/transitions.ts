import { decodeRequest } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import { comparePositions } from "../model/position.ts";
import type { Step } from "../model/step.ts";
import { positionAfter } from "../model/step.ts";
import type { Checkpoint, Settings } from "./checkpoint.ts";

/*
 * What a checkpoint becomes when a step was applied. These are pure functions: applying a step and finding it
 * applied while reconciling lead to the same checkpoint.
 */

export type Changes = Partial<Checkpoint>;

/** The step is behind, whatever came of it. */
export function passed(step: Step): Changes {
  const { sequence, step: next } = positionAfter(step);
  return { applied: sequence - 1, step: next, mark: null };
}

/**
 * An Observe that KATO never began, as when MongoDB could not be asked before it: a rebuild must leave it
 * out.
 */
export function observeNotBegun(checkpoint: Checkpoint, step: Step): Changes {
  const { notBegun, interval } = checkpoint;
  const latest = notBegun.at(-1);
  // Observes between which nothing ticked are one stretch.
  const stretch = latest?.interval === interval ? { ...latest, through: step.at } : undefined;
  const added = stretch ?? { from: step.at, through: step.at, interval };
  return { ...passed(step), notBegun: [...(stretch ? notBegun.slice(0, -1) : notBegun), added] };
}

/** An Observe that ticked and set off no auto-learn. */
export function observed(
  checkpoint: Checkpoint,
  step: Step,
  seen: {
    head: ObservationFields;
    failed: boolean;
    interval: number;
    /** Events in working memory after it. */
    events: number;
    /** The symbols of the event it made, where it had vectors and made one. */
    symbols: string[] | null;
  },
): Changes {
  const { head, symbols } = seen;
  const { settings } = checkpoint;
  return {
    ...passed(step),
    interval: seen.interval,
    events: seen.events,
    ...(!seen.failed && { latestUniqueId: head.uniqueId }),
    ...(head.hasVectors && { vectorsFrom: checkpoint.vectorsFrom ?? step.at }),
    ...(symbols && { vectorEvents: [...checkpoint.vectorEvents, { at: step.at, symbols }] }),
    ...(head.hasSymbols &&
      settings.predictedLast !== settings.predicting && {
        settings: { ...settings, predictedLast: settings.predicting },
      }),
  };
}

/**
 * An Observe that set off an auto-learn, which learned or had nothing to learn; `kept` is what working memory
 * then holds.
 */
export function autoLearned(
  checkpoint: Checkpoint,
  step: Step,
  seen: { head: ObservationFields; interval: number; kept: string[][] },
): Changes {
  const { settings } = checkpoint;
  return {
    ...emptied(step),
    interval: seen.interval,
    events: seen.kept.length,
    keptEvent: seen.kept.at(-1) ?? null,
    ...nothingToLearn,
    latestUniqueId: seen.head.uniqueId,
    settings: seen.head.hasSymbols ? { ...settings, predictedLast: settings.predicting } : settings,
  };
}

/** After a Learn no vector waits to be learned, and no Observe before it is observed again. */
const nothingToLearn = { vectorsFrom: null, vectorEvents: [], notBegun: [] } satisfies Changes;

/** A step after which working memory is empty: a rebuild begins behind it. */
export function emptied(step: Step): Changes {
  return { ...passed(step), replayFrom: positionAfter(step), keptEvent: null, events: 0 };
}

/**
 * What the checkpoint becomes when a command other than Observe succeeded, by method. All others only pass.
 */
const succeeded = new Map<string, (checkpoint: Checkpoint, step: Step) => Changes>(
  Object.entries({
    Learn: (_: Checkpoint, step: Step): Changes => ({ ...emptied(step), ...nothingToLearn }),
    ClearWorkingMemory: (_: Checkpoint, step: Step): Changes => emptied(step),
    ClearAllMemory: (_: Checkpoint, step: Step): Changes => ({
      ...emptied(step),
      ...nothingToLearn,
      interval: 0,
      offset: 0,
      latestUniqueId: "",
      degradations: [],
    }),
    StartSleeping: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...emptied(step),
      ...set(checkpoint, { sleeping: true }),
    }),
    StopSleeping: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...set(checkpoint, { sleeping: false }),
    }),
    StartPredicting: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...set(checkpoint, { predicting: true }),
    }),
    StopPredicting: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...set(checkpoint, { predicting: false }),
    }),
    UpdateGenes: (checkpoint: Checkpoint, step: Step): Changes => {
      const { genes = {} } = decodeRequest("UpdateGenes", Buffer.from(step.request));
      return { ...passed(step), ...set(checkpoint, { genes: { ...checkpoint.settings.genes, ...genes } }) };
    },
    // KATO refuses every increment but 0, which makes the gene the threshold that is searched with.
    IncrementRecallThreshold: (checkpoint: Checkpoint, step: Step): Changes => {
      const { genes, searchedThreshold } = checkpoint.settings;
      const effective = genes.recall_threshold ?? searchedThreshold;
      return { ...passed(step), ...set(checkpoint, { searchedThreshold: effective }) };
    },
    [changeRecallThresholdMethod]: (checkpoint: Checkpoint, step: Step): Changes => {
      const { mark, settings } = checkpoint;
      if (mark?.kind !== "threshold") return passed(step);
      const genes = { ...settings.genes, recall_threshold: mark.value };
      return { ...passed(step), ...set(checkpoint, { genes, searchedThreshold: mark.value }) };
    },
  }),
);

/** A command other than Observe that succeeded. */
export function commanded(checkpoint: Checkpoint, step: Step): Changes {
  return succeeded.get(step.method)?.(checkpoint, step) ?? passed(step);
}

function set({ settings }: Checkpoint, changed: Partial<Settings>): Changes {
  return { settings: { ...settings, ...changed } };
}

/** An Observe of the gateway's own ticked. Clients do not see it. */
export function ownObserved(checkpoint: Checkpoint, interval: number): Changes {
  return { ownObserve: null, interval, offset: checkpoint.offset - (interval - checkpoint.interval) };
}

/** Whether an Observe that succeeds will make KATO learn (docs/kato.md, RPC by RPC: max_sequence_length). */
export function isAutoLearnDue({ settings, events }: Checkpoint, hasSymbols: boolean): boolean {
  const n = settings.genes.max_sequence_length ?? 0;
  return n !== 0 && events + (hasSymbols ? 1 : 0) >= n;
}

/** The sequence below which a rebuild needs nothing of the log any more (A5). */
export function neededFrom(checkpoint: Checkpoint): number {
  const { replayFrom, vectorsFrom, applied } = checkpoint;
  const first = vectorsFrom && comparePositions(vectorsFrom, replayFrom) < 0 ? vectorsFrom : replayFrom;
  return Math.min(first.sequence, applied + 1);
}
