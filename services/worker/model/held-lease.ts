import { LeaseLost } from "./interruptions.ts";

/** The right to run a processor, as far as this worker knows (A4). */
export interface HeldLease {
  readonly held: boolean;
}

/** Throws LeaseLost without the lease. */
export function checkHeld({ held }: HeldLease, processor: string): void {
  if (!held) throw new LeaseLost(`${processor}: the lease is gone`);
}
