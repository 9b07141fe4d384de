import type { IngestionCounts } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { Intent } from "../model/intent.ts";
import type { Position } from "../model/position.ts";
import type { Degradation } from "./degradation.ts";

/**
 * What is persisted of a processor: which commands have had their effect on its instance, and what a recovery
 * needs (docs/recovery.md, What is kept). The keys are persisted too, so none is ever renamed.
 */
export interface Checkpoint {
  /**
   * The fence: the name of the worker that has written the checkpoint; "" once that worker has given the
   * processor back. A new worker writes its name first, so the writes of an earlier one fail from then on.
   */
  epoch: string;
  /** Every command up to this sequence has had its effect on the instance. */
  applied: number;
  /** How many steps of the first command after `applied` have had their effect too. */
  step: number;
  /** The instance's interval after these commands and steps. */
  interval: number;
  /**
   * Clients see the sum of this and the instance's interval. So for them the interval goes on counting over a
   * restart.
   */
  offset: number;
  /** The intent record of the command that may have been begun. */
  mark: Intent | null;
  /**
   * An empty Observe that the worker makes by itself, and that may have been begun. It ticks and makes no
   * event. `unseen` is the Observe of the log whose end it waits for. That Observe has ticked, and is not in
   * the checkpoint yet.
   */
  ownObserve: { unseen: Position | null } | null;
  /**
   * The rebuild that is under way. `base` is the interval at which it began. With `inPlace` the instance has
   * not restarted, and still has its vectors.
   */
  rebuilding: { base: number; inPlace: boolean } | null;
  /** The first step that a rebuild observes again. It comes after every Learn and every clear. */
  replayFrom: Position;
  /** The event that an auto-learn left in working memory before `replayFrom`. */
  keptEvent: string[] | null;
  /** The first Observe with vectors since the last Learn, also if there was a clear since. */
  vectorsFrom: Position | null;
  /** The symbols of the events with vectors since the last Learn, in order. */
  vectorEvents: { at: Position; symbols: string[] }[];
  /**
   * Stretches of Observes that are in the log and that the instance never began. `interval` is the instance's
   * interval at that time.
   */
  notBegun: { from: Position; through: Position; interval: number }[];
  /**
   * The replay by hand that is under way. The commands up to `through` were applied before. `isCleared` says
   * that the instance was cleared for it. `applied` is where the checkpoint was before: what the log does not
   * have between the two was taken out of it, or is lost, and was told.
   */
  replaying: { through: number; isCleared: boolean; applied?: number } | null;
  /**
   * An earlier worker may have begun and answered Observes up to this sequence, although nothing shows it any
   * more.
   */
  perhapsBegunThrough: number;
  /**
   * Commands after `applied` that must not be begun, because their clients were told that they will not be.
   */
  cancelled: number[];
  /**
   * How many ticks and other changes of working memory were not made by the worker in charge, and when the latest
   * were noticed (Unix ms, 0 for never).
   */
  foreign: { ticks: number; lastMs: number };
  /** How many events working memory has. */
  events: number;
  /** What became of the commands of each ingestion that is under way, by its id. */
  ingestions: Record<string, IngestionCounts>;
  settings: Settings;
  /** The settings that the instance had when it was adopted, that is, before the first command of the log. */
  adopted: Settings | null;
  /** The unique_id of the latest observation that succeeded; "" before the first. */
  latestUniqueId: string;
  /**
   * What could not be restored, because KATO does not allow it. The bucket also has it as one sentence, under
   * `degraded`.
   */
  degradations: Degradation[];
  /** What is known of the log; null until it was looked at. */
  log: KnownLog | null;
  /**
   * The log has lost commands, and their sequences up to this one must not be given to others. 0 if there is
   * nothing to prevent.
   */
  usedThrough: number;
  /** Whether the instance has to be adopted again, because the log cannot say any more what it has. */
  adopting: boolean;
  /**
   * How many ticks of the instance's interval a command explains that was lost from the log while it was under way.
   * Null unless the instance is to be adopted because of such a loss.
   */
  lostTicks: number | null;
  /**
   * While `adopting` after a loss: what a rebuild needs if the instance turns out to have restarted, so that
   * there is nothing in it to adopt. Null if nobody can tell.
   */
  ifRestarted: RebuildBasis | null;
  /** Why nothing is applied until somebody decides; null if nothing is held. */
  held: Held | null;
  /** What became of commands up to this sequence is not known, because the checkpoint that knew it is lost. */
  unknownThrough: number;
}

/** What of a checkpoint a rebuild starts from. */
export type RebuildBasis = Pick<
  Checkpoint,
  "replayFrom" | "keptEvent" | "vectorsFrom" | "vectorEvents" | "notBegun" | "events" | "adopted"
>;

/** What a worker remembers of a log, to notice when it is not the same any more. */
export interface KnownLog {
  /** The log's id; null if it has none that is known. */
  id: string | null;
  /** The command with the highest sequence that was taken from it, and when that was stored (Unix ms). */
  latest: { sequence: number; storedAtMs: number };
  /** A sequence that the log was seen to reach, `latest` or later. */
  end: number;
  /** When it was first seen to reach it (Unix ms, by the clock of NATS). Older versions have kept no times. */
  endSeenAtMs?: number;
}

/** What is known of a log of which nothing was taken yet. */
export const unknownLog: KnownLog = { id: null, latest: { sequence: 0, storedAtMs: 0 }, end: 0 };

/** A processor that is held: nobody can prove what is right, so somebody has to decide. */
export interface Held {
  /** Why, in words for people. */
  reason: string;
  /** The last sequence of the log at that time. Later commands were certainly not applied. */
  through: number;
  /** Unix ms. */
  since: number;
}

/** The settings of an instance, which a restart sets back to the manifest's values. */
export interface Settings {
  /** Genes as they were set, or as the instance had them when it was adopted. */
  genes: Record<string, number>;
  /** The recall threshold that KATO searches with. Null means the manifest's: no other was made effective. */
  searchedThreshold: number | null;
  predicting: boolean;
  /** Whether predicting was on at the latest Observe with symbols. */
  predictedLast: boolean;
  sleeping: boolean;
}

/** The checkpoint of a processor of which nothing is applied and nothing is known. */
export const firstCheckpoint: Checkpoint = {
  epoch: "",
  applied: 0,
  step: 0,
  interval: 0,
  offset: 0,
  mark: null,
  ownObserve: null,
  rebuilding: null,
  replayFrom: { sequence: 1, step: 0 },
  keptEvent: null,
  vectorsFrom: null,
  vectorEvents: [],
  notBegun: [],
  replaying: null,
  perhapsBegunThrough: 0,
  cancelled: [],
  foreign: { ticks: 0, lastMs: 0 },
  events: 0,
  ingestions: {},
  settings: { genes: {}, searchedThreshold: null, predicting: true, predictedLast: true, sleeping: false },
  adopted: null,
  latestUniqueId: "",
  degradations: [],
  log: null,
  usedThrough: 0,
  adopting: false,
  lostTicks: null,
  ifRestarted: null,
  held: null,
  unknownThrough: 0,
};

/** Whether the instance has to be adopted before it is reconciled. */
export function isInstanceUnknown(checkpoint: Checkpoint): boolean {
  const { interval, applied, step, ownObserve, rebuilding, replaying, adopting, adopted } = checkpoint;
  if (adopting) return true;
  if (adopted !== null) return false;
  return interval === 0 && applied === 0 && step === 0 && !ownObserve && !rebuilding && !replaying;
}

/** Whether the command was applied before, and is only replayed by hand. */
export function isReplayed({ replaying }: Checkpoint, sequence: number): boolean {
  return sequence <= (replaying?.through ?? 0);
}
