/**
 * What was under way cannot go on now. The instance has to be reconciled, then the same step is tried again:
 * nothing is skipped because of it.
 */
export class Interrupted extends Error {
  override readonly name: string = "Interrupted";
}

/** NATS did not answer, and what it was asked to read or keep is needed before anything else is called. */
export class NatsAway extends Interrupted {}

/** The lease is gone. Whoever catches it must leave the processor alone (A4). */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
