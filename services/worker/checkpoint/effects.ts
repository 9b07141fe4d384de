import { decodeRequest } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Step } from "../steps/step.ts";
import { positionAfter } from "../steps/step.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { comparePositions } from "./position.ts";

/** What a checkpoint becomes when a step was applied: pure functions, the same while applying and while reconciling. */

type Changes = Partial<Checkpoint>;

/** The step is behind, whatever came of it. */
export function passed(step: Step): Changes {
  const { sequence, step: next } = positionAfter(step);
  return { applied: sequence - 1, step: next, mark: null };
}

/** An Observe that was refused before KATO began it, as when MongoDB could not be asked: a rebuild must leave it out. */
export function observeNotBegun(checkpoint: Checkpoint, step: Step): Changes {
  const { notBegun, interval } = checkpoint;
  const latest = notBegun.at(-1);
  // As long as there is no tick between, it is one stretch.
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

/** An Observe that set off an auto-learn, which learned or had nothing to learn; `kept` is what working memory then holds. */
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

/** After a Learn no vector waits to be learned. */
const nothingToLearn = { vectorsFrom: null, vectorEvents: [], notBegun: [] } satisfies Changes;

/** A step after which working memory is empty: a rebuild begins behind it. */
export function emptied(step: Step): Changes {
  return { ...passed(step), replayFrom: positionAfter(step), keptEvent: null, events: 0 };
}

/** A command other than Observe that succeeded. */
export function commanded(checkpoint: Checkpoint, step: Step): Changes {
  const { settings, mark } = checkpoint;
  const set = (changed: Partial<Checkpoint["settings"]>): Changes => ({
    ...passed(step),
    settings: { ...settings, ...changed },
  });
  switch (step.method) {
    case "Learn":
      return { ...emptied(step), ...nothingToLearn };
    case "ClearWorkingMemory":
      return emptied(step);
    case "ClearAllMemory":
      return {
        ...emptied(step),
        ...nothingToLearn,
        interval: 0,
        offset: 0,
        latestUniqueId: "",
        degraded: "",
      };
    case "StartSleeping":
      return { ...emptied(step), settings: { ...settings, sleeping: true } };
    case "StopSleeping":
      return set({ sleeping: false });
    case "StartPredicting":
      return set({ predicting: true });
    case "StopPredicting":
      return set({ predicting: false });
    case "UpdateGenes": {
      const { genes = {} } = decodeRequest("UpdateGenes", Buffer.from(step.request));
      return set({ genes: { ...settings.genes, ...genes } });
    }
    case "IncrementRecallThreshold":
      // KATO refuses every increment but 0, which makes the gene the one that is searched with.
      return set({ searchedThreshold: settings.genes.recall_threshold ?? settings.searchedThreshold });
    case changeRecallThresholdMethod:
      return mark?.kind === "threshold" ? thresholdChanged(checkpoint, step, mark.value) : passed(step);
    default:
      return passed(step);
  }
}

/** The recall threshold was changed to this value, and is searched with. */
function thresholdChanged(checkpoint: Checkpoint, step: Step, value: number): Changes {
  const { settings } = checkpoint;
  return {
    ...passed(step),
    settings: {
      ...settings,
      genes: { ...settings.genes, recall_threshold: value },
      searchedThreshold: value,
    },
  };
}

/** An Observe of the applier's own ticked: clients do not see it. */
export function ownObserved(checkpoint: Checkpoint, interval: number): Changes {
  return { ownObserve: null, interval, offset: checkpoint.offset - (interval - checkpoint.interval) };
}

/** Whether an Observe that succeeds will make KATO learn (docs/kato.md, RPC by RPC: max_sequence_length). */
export function isAutoLearnDue({ settings, events }: Checkpoint, hasSymbols: boolean): boolean {
  const n = settings.genes.max_sequence_length ?? 0;
  return n !== 0 && events + (hasSymbols ? 1 : 0) >= n;
}

/** Below which sequence nothing in the log is needed by a rebuild any more (A5). */
export function neededFrom(checkpoint: Checkpoint): number {
  const { replayFrom, vectorsFrom, applied } = checkpoint;
  const first = vectorsFrom && comparePositions(vectorsFrom, replayFrom) < 0 ? vectorsFrom : replayFrom;
  return Math.min(first.sequence, applied + 1);
}
