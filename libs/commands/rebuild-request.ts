/** A rebuild that somebody asks for by hand, as the worker that runs the processor is told it. */
export interface RebuildRequest {
  /**
   * Replays the kept history from this sequence on, into an instance cleared for it; absent: only what is
   * volatile.
   */
  from?: number;
  /** Only tells what would be replayed. */
  dryRun: boolean;
}

/** What a rebuild replays, or would. */
export interface RebuildSurvey {
  /** The first sequence that is replayed, and the last; both 0 where there is nothing to replay. */
  from: number;
  through: number;
  commands: number;
  observes: number;
  learns: number;
}

/** What the worker answers. */
export type RebuildAnswer =
  /** Nothing was done: it was a dry run. */
  | { kind: "surveyed"; survey: RebuildSurvey }
  /**
   * What is volatile was given back; working memory has so many events. `degraded` as in the processor's
   * state.
   */
  | { kind: "rebuilt"; survey: RebuildSurvey; events: number; degraded: string }
  /** The replay is decided and persisted, and goes on by itself. */
  | { kind: "replaying"; survey: RebuildSurvey }
  /**
   * Nothing was done: the log holds no applied command from there on, its first one being this (0: none at
   * all).
   */
  | { kind: "not-kept"; first: number }
  /** Nothing was done: a paused processor applies nothing, and so replays nothing. */
  | { kind: "paused" }
  /** Nothing was done: the instance cannot be reached. */
  | { kind: "away" };
