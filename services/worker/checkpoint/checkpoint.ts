import type { IngestionCounts } from "../../../libs/commands/outcomes/ingestion-store.ts";
import type { Intent } from "../model/intent.ts";
import type { Position } from "../model/position.ts";
import type { Degradation } from "./degradation.ts";

/**
 * What is persisted of a processor: what its instance has the effect of, and what a recovery will need
 * (docs/recovery.md, What is kept). Its keys stand in the bucket, so none is ever renamed.
 */
export interface Checkpoint {
  /**
   * The fence: the worker that has written it. A new worker writes this first, so an older one's writes fail
   * from then on.
   */
  epoch: string;
  /** The sequence up to which the instance has the effect of every command. */
  applied: number;
  /** How many steps of the command after `applied` the instance has the effect of besides. */
  step: number;
  /** What the instance's interval is once it has all that. */
  interval: number;
  /** Added to the instance's interval it gives what clients see, which goes on counting over a restart. */
  offset: number;
  /** The intent record of the command that may have been begun. */
  mark: Intent | null;
  /**
   * An Observe of the gateway's own that may have been begun: it is empty, so it ticks and makes no event.
   * `unseen` is the Observe of the log whose end it waits for: that one has ticked and is not in the
   * checkpoint yet.
   */
  ownObserve: { unseen: Position | null } | null;
  /**
   * A rebuild is under way that began at this interval. `inPlace`: the instance has not restarted and has its
   * vectors.
   */
  rebuilding: { base: number; inPlace: boolean } | null;
  /** The first step that a rebuild observes again. It lies behind every Learn and clear. */
  replayFrom: Position;
  /** The event that an auto-learn left in working memory before `replayFrom`. */
  keptEvent: string[] | null;
  /** The first Observe with vectors since the last Learn, through clears. */
  vectorsFrom: Position | null;
  /** The symbols of the events with vectors since the last Learn, in order. */
  vectorEvents: { at: Position; symbols: string[] }[];
  /** Observes that stand in the log and that the instance never began, and its interval meanwhile. */
  notBegun: { from: Position; through: Position; interval: number }[];
  /** A replay by hand is under way: the commands up to `through` were applied before. */
  replaying: { through: number; isCleared: boolean } | null;
  /**
   * Observes up to here may have been begun, and answered, by an earlier worker, although nothing shows it
   * any more.
   */
  perhapsBegunThrough: number;
  /** Commands behind `applied` whose clients were told that they will not be begun. */
  cancelled: number[];
  /**
   * Ticks that no worker made whose turn it was, and when the latest of them were noticed (Unix ms, 0 for
   * never).
   */
  foreign: { ticks: number; lastMs: number };
  /** How many events working memory holds. */
  events: number;
  /** What is counted of the ingestions under way, by their ids. */
  ingestions: Record<string, IngestionCounts>;
  settings: Settings;
  /**
   * The settings that the instance had when the gateway came to know it: those before the log's first
   * command.
   */
  adopted: Settings | null;
  /** The unique_id of the latest observation that succeeded, "" before the first. */
  latestUniqueId: string;
  /** What KATO lets nobody restore. The bucket also has it as one sentence, under `degraded`. */
  degradations: Degradation[];
}

/** What a restart takes back to the manifest's values. */
export interface Settings {
  /** Genes as they were set, or as the instance had them when it was adopted. */
  genes: Record<string, number>;
  /** The recall threshold that is searched with, where it was made effective; null: the manifest's. */
  searchedThreshold: number | null;
  predicting: boolean;
  /** Whether predicting was on at the latest Observe with symbols. */
  predictedLast: boolean;
  sleeping: boolean;
}

/** Nothing is applied, and nothing is known of the instance. */
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
};

/** Whether nothing is known of the instance yet: it has to be adopted before it is reconciled. */
export function isInstanceUnknown(checkpoint: Checkpoint): boolean {
  const { interval, applied, step, ownObserve, rebuilding, replaying } = checkpoint;
  return interval === 0 && applied === 0 && step === 0 && !ownObserve && !rebuilding && !replaying;
}

/** Whether the command was applied before, and is only replayed by hand. */
export function isReplayed({ replaying }: Checkpoint, sequence: number): boolean {
  return sequence <= (replaying?.through ?? 0);
}
