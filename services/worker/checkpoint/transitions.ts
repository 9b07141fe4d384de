import { decodeRequest } from "../../../libs/kato/codec.ts";
import { changeRecallThresholdMethod } from "../../../libs/kato/compound-commands.ts";
import type { ObservationFields } from "../../../libs/kato/wire-fields.ts";
import type { Step } from "../model/step.ts";
import { positionAfter } from "../model/step.ts";
import type { Checkpoint, Settings } from "./checkpoint.ts";

/**
 * The changes of a checkpoint when a step has ended. These are pure functions. Applying a step uses them, and
 * so does reconciling when it finds a step applied. So both lead to the same checkpoint.
 */

export type Changes = Partial<Checkpoint>;

/** The changes when a step has ended, whatever its outcome is. */
export function passed(step: Step): Changes {
  const { sequence, step: next } = positionAfter(step);
  return { applied: sequence - 1, step: next, mark: null };
}

/**
 * The changes when KATO never began an Observe, for example because MongoDB was away before it. A rebuild
 * must leave it out.
 */
export function observeNotBegun(checkpoint: Checkpoint, step: Step): Changes {
  const { notBegun, interval } = checkpoint;
  const latest = notBegun.at(-1);
  // Observes with no tick between them are one stretch.
  const stretch = latest?.interval === interval ? { ...latest, through: step.at } : undefined;
  const added = stretch ?? { from: step.at, through: step.at, interval };
  return { ...passed(step), notBegun: [...(stretch ? notBegun.slice(0, -1) : notBegun), added] };
}

/** The changes when an Observe has ticked and KATO has not learned by itself. */
export function observed(
  checkpoint: Checkpoint,
  step: Step,
  seen: {
    head: ObservationFields;
    failed: boolean;
    interval: number;
    /** How many events working memory has after it. */
    events: number;
    /** The symbols of the event that it made, if it had vectors; null otherwise. */
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
 * The changes when an Observe has made KATO learn by itself, even if there was nothing to learn. `kept` is
 * working memory afterwards.
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

/** The changes when working memory is empty after a step. A rebuild begins with the next step. */
export function emptied(step: Step): Changes {
  return { ...passed(step), replayFrom: positionAfter(step), keptEvent: null, events: 0 };
}

/**
 * The changes when a command has succeeded, by method. A method that is missing here changes nothing else
 * than that the step is passed.
 */
const changesByMethod = new Map<string, (checkpoint: Checkpoint, step: Step) => Changes>(
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
      ...withSettings(checkpoint, { sleeping: true }),
    }),
    StopSleeping: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...withSettings(checkpoint, { sleeping: false }),
    }),
    StartPredicting: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...withSettings(checkpoint, { predicting: true }),
    }),
    StopPredicting: (checkpoint: Checkpoint, step: Step): Changes => ({
      ...passed(step),
      ...withSettings(checkpoint, { predicting: false }),
    }),
    UpdateGenes: (checkpoint: Checkpoint, step: Step): Changes => {
      const { genes = {} } = decodeRequest("UpdateGenes", Buffer.from(step.request));
      return {
        ...passed(step),
        ...withSettings(checkpoint, { genes: { ...checkpoint.settings.genes, ...genes } }),
      };
    },
    // KATO refuses every increment but 0, which makes the gene the threshold that is searched with.
    IncrementRecallThreshold: (checkpoint: Checkpoint, step: Step): Changes => {
      const { genes, searchedThreshold } = checkpoint.settings;
      const effective = genes.recall_threshold ?? searchedThreshold;
      return { ...passed(step), ...withSettings(checkpoint, { searchedThreshold: effective }) };
    },
    [changeRecallThresholdMethod]: (checkpoint: Checkpoint, step: Step): Changes => {
      const { mark, settings } = checkpoint;
      if (mark?.kind !== "threshold") return passed(step);
      const genes = { ...settings.genes, recall_threshold: mark.value };
      return { ...passed(step), ...withSettings(checkpoint, { genes, searchedThreshold: mark.value }) };
    },
  }),
);

/** The changes when a command other than Observe has succeeded. */
export function commandSucceeded(checkpoint: Checkpoint, step: Step): Changes {
  return changesByMethod.get(step.method)?.(checkpoint, step) ?? passed(step);
}

function withSettings({ settings }: Checkpoint, changed: Partial<Settings>): Changes {
  return { settings: { ...settings, ...changed } };
}

/** The changes when an empty Observe that the worker made by itself has ticked. Clients do not see it. */
export function ownObserved(checkpoint: Checkpoint, interval: number): Changes {
  return { ownObserve: null, interval, offset: checkpoint.offset - (interval - checkpoint.interval) };
}

/** Whether an Observe that succeeds will make KATO learn (docs/kato.md, RPC by RPC: max_sequence_length). */
export function isAutoLearnDue(
  { settings, events }: Pick<Checkpoint, "settings" | "events">,
  hasSymbols: boolean,
): boolean {
  const n = settings.genes.max_sequence_length ?? 0;
  return n !== 0 && events + (hasSymbols ? 1 : 0) >= n;
}

/** How many events are left once KATO has learned by itself: the last one, if there were several. */
export function eventsKept(events: number, hasSymbols: boolean): number {
  return events + (hasSymbols ? 1 : 0) > 1 ? 1 : 0;
}

/** The first sequence of the log that a rebuild needs. It needs no command before that (A5). */
export function neededFrom(checkpoint: Checkpoint): number {
  const { applied, ifRestarted } = checkpoint;
  const starts = [checkpoint, ...(ifRestarted ? [ifRestarted] : [])].flatMap(
    ({ replayFrom, vectorsFrom }) => [replayFrom.sequence, vectorsFrom?.sequence ?? replayFrom.sequence],
  );
  return Math.min(...starts, applied + 1);
}
