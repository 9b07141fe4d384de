/**
 * What goes wrong, and at which of the points that a run passes. Points are counted from 1: either all of
 * them, or only those of one name.
 */
export interface Fault {
  at?: string;
  point: number;
  kind: FaultKind;
}

/** The kinds of faults that break something. */
export const crashKinds = [
  /** The instance is killed and starts again. */
  "instance",
  /** The worker is killed. A call under way goes on without it. */
  "worker",
  "both",
  /** The connection breaks under the call, or the answer of NATS is lost. */
  "unseen",
  /** MongoDB is away for a few calls. */
  "mongo",
  /**
   * The lease is lost. Another life of the worker begins, either at once or after the first one has stopped.
   */
  "lease",
] as const;

/** The kinds of all else that may happen at any moment. */
export const otherKinds = [
  /** The instance is killed and takes a while to start. */
  "slow-start",
  /** NATS does not answer for a while. */
  "nats",
  /** JetStream's storage is full for a while: what would be stored is refused. A lease may be lost by that. */
  "full",
  /**
   * The worker is frozen for longer than its lease. Another life begins, and the first one wakes up some time
   * later.
   */
  "sleep",
  /** A client stops waiting for one of its commands, whose deadline has passed. */
  "cancel",
  /** The processor is paused, and resumed some time later. */
  "pause",
  /** The worker is stopped cleanly and starts again. */
  "stop",
  /** Somebody rebuilds the processor by hand. */
  "rebuild",
  /** Somebody replays the whole log by hand. */
  "replay",
  /** The log is trimmed to what a rebuild needs. */
  "trim",
] as const;

export type FaultKind = (typeof crashKinds)[number] | (typeof otherKinds)[number];
