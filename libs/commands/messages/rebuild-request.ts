/**
 * The request for a rebuild by hand, which goes to the worker that runs the processor (docs/operating.md,
 * "Rebuilding by hand").
 */
export interface RebuildRequest {
  /**
   * A sequence: the instance is cleared, and all commands that the log has from there on are replayed.
   * Absent: the instance gets back only what KATO loses at a restart.
   */
  from?: number;
  /** If true, nothing is done. The answer says what would be replayed. */
  dryRun: boolean;
  /**
   * Present for a processor that is held: its instance is right, and has everything up to `applied`. Without
   * `applied` that is everything that the log had when it was held.
   */
  adopt?: { applied?: number };
}

/** What a rebuild replays, or would replay. */
export interface RebuildSurvey {
  /** The first sequence and the last; both 0 if there is nothing to replay. */
  from: number;
  through: number;
  commands: number;
  observes: number;
  learns: number;
}

/**
 * The worker's answer. With `not-kept`, `held`, `not-held`, `no-such-place`, `paused` and `away` nothing was done.
 */
export type RebuildAnswer =
  /** It was a dry run. */
  | { kind: "surveyed"; survey: RebuildSurvey }
  /**
   * The instance has back what it had lost. Working memory has `events` events. `degraded` is as in
   * ProcessorState.
   */
  | { kind: "rebuilt"; survey: RebuildSurvey; events: number; degraded: string }
  /** The replay has begun. It is persisted, so it will be carried out even if the worker dies. */
  | { kind: "replaying"; survey: RebuildSurvey }
  /** The log has no applied command from `from` on. `first` is the first one that it has; 0 for none. */
  | { kind: "not-kept"; first: number }
  /** The instance of a held processor is adopted, and counts as having everything up to this sequence. */
  | { kind: "adopted"; applied: number }
  /** The processor is held, so it has to be said from where to replay, or that the instance is right. */
  | { kind: "held"; reason: string }
  /** The processor is not held, so there is nothing to adopt. */
  | { kind: "not-held" }
  /** The sequence to adopt at is none that the log had when the processor was held. */
  | { kind: "no-such-place"; first: number; last: number }
  /** The processor is paused, so it applies nothing. */
  | { kind: "paused" }
  /** The instance cannot be reached. */
  | { kind: "away" };
