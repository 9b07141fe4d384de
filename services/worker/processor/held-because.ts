import type { Logger } from "../../../libs/telemetry/logger.ts";
import type { Held } from "../checkpoint/checkpoint.ts";
import type { Clock } from "../model/clock.ts";

/**
 * Tells in the log that the processor is held from now on. Returns what its checkpoint has to say of it. `through`
 * is the last sequence of its command log.
 */
export function heldBecause(
  reason: string,
  through: number,
  { log, clock }: { log: Pick<Logger, "error">; clock: Pick<Clock, "unixMs"> },
): Held {
  log.error({ reason }, "the processor is held until somebody decides");
  return { reason, through, since: clock.unixMs() };
}

/** Why a processor is held, and what to do, in words for people. */
export function heldText(processor: string, { reason, through }: Held): string {
  const path = `POST /processors/${processor}`;
  return (
    `${reason}; rebuild it from a sequence of its log (${path}/rebuild), or adopt its instance as it is ` +
    `(${path}/adopt), which counts everything up to command ${through} as applied`
  );
}
