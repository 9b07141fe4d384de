/** What was under way cannot go on now: it is found out what became of it, and then it is tried again. Nothing is passed over for it. */
export class Interrupted extends Error {
  override readonly name: string = "Interrupted";
}

/** NATS did not answer: what has to be read or kept there before anything else is called is tried again. */
export class NatsAway extends Interrupted {}

/** Thrown by a call to the instance after the lease is gone: nobody may go on who gets it (A4). */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
