/**
 * What goes wrong, and at which of the points that a run passes, counted from 1: of all, or of those of a
 * name.
 */
export interface Fault {
  at?: string;
  point: number;
  kind: FaultKind;
}

/** What breaks. */
export const crashKinds = [
  /** The instance is killed and starts anew. */
  "instance",
  /** The worker is killed; a call under way goes on without it. */
  "worker",
  "both",
  /** The connection breaks under the call, or the answer of NATS is lost. */
  "unseen",
  /** MongoDB is away for a few calls. */
  "mongo",
  /** The lease is gone, and another life of the worker begins, after the first has stopped or at once. */
  "lease",
] as const;

/** What else may happen at any moment. */
export const otherKinds = [
  /** The instance is killed and takes a while to start. */
  "slow-start",
  /** NATS does not answer for a while. */
  "nats",
  /**
   * The worker is frozen for longer than its lease, another life begins, and the first one wakes up some time
   * later.
   */
  "sleep",
  /** A client stops waiting for one of the commands whose deadline has passed. */
  "cancel",
  /** The processor is paused, and resumed some time later. */
  "pause",
  /** The worker is stopped cleanly and starts anew. */
  "stop",
  /** Somebody rebuilds it by hand. */
  "rebuild",
  /** Somebody replays the whole log by hand. */
  "replay",
  /** The log is trimmed to what a rebuild needs. */
  "trim",
] as const;

export type FaultKind = (typeof crashKinds)[number] | (typeof otherKinds)[number];
