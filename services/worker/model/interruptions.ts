/**
 * The work in hand cannot go on now. The instance has to be reconciled, then the same step is tried again.
 * Nothing is skipped because of it.
 */
export class Interrupted extends Error {
  override readonly name: string = "Interrupted";
}

/**
 * NATS did not answer, so something could not be read or written. Nothing may be called before that has
 * succeeded.
 */
export class NatsAway extends Interrupted {}

/** The log does not have what a checkpoint says of it. It has to be compared with the checkpoint. */
export class LogIncomplete extends Interrupted {}

/**
 * Nobody can prove what the instance has, because the log has lost what would show it. The message says why.
 * The processor is held until somebody decides.
 */
export class NotProvable extends Interrupted {}

/**
 * The command must not be begun any more: its time has passed, or it was cancelled, while it was prepared. The
 * instance has nothing of it.
 */
export class NotBegun extends Error {
  override readonly name = "NotBegun";
}

/** The lease is lost. Code that catches this must leave the processor alone (A4). */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
