import type { DeadLetters } from "../../libs/commands/outcomes/dead-letters.ts";
import type { StoreRoom } from "../../libs/nats/store-room.ts";
import type { Logger } from "../../libs/telemetry/logger.ts";

/** The share of the reserve of JetStream's storage that dead letters may take. */
const shareOfReserve = 1 / 4;
/** The limit where the reserve is not known. */
const unknownBytes = 256 * 1024 ** 2;
/** No limit is smaller, as one dead letter must always have room. */
const leastBytes = 16 * 1024 ** 2;

/** Limits the dead letters, if nobody has yet. If NATS refuses that, they have no limit. Never rejects. */
export async function limitDeadLetters(
  letters: Pick<DeadLetters, "limit">,
  { reserveBytes }: Pick<StoreRoom, "reserveBytes">,
  log: Pick<Logger, "warn">,
): Promise<void> {
  const share = reserveBytes === undefined ? unknownBytes : reserveBytes * shareOfReserve;
  try {
    await letters.limit(Math.max(leastBytes, share));
  } catch (error) {
    log.warn({ err: error }, "dead letters have no limit, as NATS refuses to set one");
  }
}
