import { nuid } from "@nats-io/transport-node";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { FoundRecord } from "../../../libs/commands/outcomes/outcome-store.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { admitAsync, admitSync } from "../fleet/admission.ts";
import type { Backend } from "../fleet/backend.ts";
import { natsUnavailable } from "../fleet/errors.ts";
import type { Fingerprints } from "./command-ids.ts";
import { fingerprintsOf, isSameRequest } from "./command-ids.ts";
import { keyRunning } from "./failures.ts";
import { findCommand } from "./find-command.ts";
import type { Sent } from "./send-command.ts";
import { sendCommand } from "./send-command.ts";

/**
 * A claim counts for this much longer than the client waits. The gateway may need the time to learn how the
 * command ended.
 */
const afterWaitMs = 10_000;
const maxRounds = 5;

/**
 * Sends a command whose id is that of an Idempotency-Key (`commandIdOf`). The command is applied once,
 * however often and on however many gateways it is sent.
 *
 * A key and a processor have one record. Its state is `queued` (written by a gateway), `started` (by the
 * worker), or how the command ended. The worker decides which command of a key is applied. Before it starts
 * one it writes `started` with the command's sequence, by compare-and-set, and it leaves out every other
 * command of that key from then on (OutcomeRecorder). So a gateway may send again whenever it is in doubt.
 * What a gateway writes only gives better answers.
 *
 * These are the points at which a process can die, or be cut off:
 *
 * - The gateway, after it wrote `queued` and before the log has the command. Nothing was applied. The next
 *   request asks that gateway (KeysInHand), and NATS says that it is not there. So the request is sent. A gateway
 *   that is there and silent, as a frozen one is, holds repeats off (409) until its claim is over (`heldMs`).
 * - The gateway, after the log has the command, or while it waits for the acknowledgement. As above, and if
 *   the first command is applied after all, the worker leaves out the second, and the record answers both.
 * - The gateway, after the command was applied. The worker records the answer before the checkpoint passes
 *   the command. A repeat gets it from the record.
 * - The worker, between `started` and the call. The next worker finds the command's own sequence in the
 *   record, and starts it.
 * - The worker, between the call and the outcome. The next worker reconciles, and records what it has proved.
 * - The worker, between the outcome and the checkpoint. The same, and the first outcome stays.
 *
 * A command that expired (503, or 504 with `effect: none`) frees the key: the worker or the gateway writes
 * `expired`. A repeat is a new message with a new message id, so JetStream does not take it for a duplicate.
 * Should the expired command be started after all, it is the first of the two in the log, and the repeat is
 * left out.
 *
 * All this holds for 24 hours after the record was last written.
 */
export async function sendOnce(backend: Backend, asked: Command, waitMs: number | undefined): Promise<Sent> {
  const { processor, id } = asked;
  const fingerprints = fingerprintsOf(asked);
  for (let round = 0; round < maxRounds; round++) {
    const found = await findCommand(backend, processor, id);
    const known = found && (await outcomeOf(backend, found, { processor, fingerprints, waitMs }));
    if (known) return known;
    const attempt = nuid.next();
    const command = { ...asked, once: { ...fingerprints, attempt } };
    try {
      const sent = await backend.keysInHand.whileSending(attempt, async () => {
        if (!(await claim(backend, command, found, waitMs))) return undefined;
        return sendCommand(backend, command, waitMs);
      });
      if (sent) return sent;
    } catch (error) {
      const known = GatewayError.from(error);
      // The worker left it out: the record has the answer of the command that was started.
      if (known.code === "KEY_RUNNING") continue;
      await release(backend, command, known);
      throw found?.record.state === "queued" ? withUnknownEffect(known) : known;
    }
  }
  throw keyRunning({ processor, command: id });
}

/** A request under a key. */
interface Asking {
  processor: string;
  fingerprints: Fingerprints;
  waitMs: number | undefined;
}

/** What a record says of an earlier request with the key; undefined if the key is free. */
async function outcomeOf(
  backend: Backend,
  { record, storedAtMs }: FoundRecord,
  { processor, fingerprints, waitMs }: Asking,
): Promise<Sent | undefined> {
  const { state, command, sequence, reply, once } = record;
  if (state === "expired") return undefined;
  if (!once || !isSameRequest(once, fingerprints)) {
    throw new GatewayError("KEY_REUSED", "This Idempotency-Key was used for another request.", {
      processor,
      effect: "none",
      errors: [{ field: "Idempotency-Key", detail: "was used with another body or path" }],
    });
  }
  const isStored = waitMs === undefined && sequence > 0;
  if (reply || isStored) return { sequence, reply, isReplay: true };
  if (state === "queued" && sequence === 0 && !(await isHeld(backend, record, storedAtMs))) return undefined;
  throw keyRunning({ processor, command, ...(sequence > 0 && { sequence }) });
}

/**
 * Whether a gateway may still be storing the command: its claim is not over, by JetStream's clock or else by those of
 * both gateways; and it does not say, nor does NATS, that it is done.
 */
async function isHeld(
  { keysInHand, storeTime: { measuredMs: storeMs } }: Backend,
  { heldMs, heldUntilMs = 0, gateway, once }: FoundRecord["record"],
  storedAtMs: number,
): Promise<boolean> {
  const isByStore = heldMs !== undefined && storeMs !== undefined;
  const isOver = isByStore ? storeMs > storedAtMs + heldMs : Date.now() > heldUntilMs;
  if (isOver) return false;
  return gateway === undefined || once === undefined || keysInHand.maySend(gateway, once.attempt);
}

/** Writes that the key is in use; false if another request just did. Throws if the command cannot be sent. */
async function claim(
  backend: Backend,
  command: Command,
  found: FoundRecord | undefined,
  waitMs: number | undefined,
): Promise<boolean> {
  const { outcomes } = backend.stores;
  const { processor } = command;
  if (waitMs === undefined) await admitAsync(backend, command);
  else await admitSync(backend, command, waitMs);
  if (!found) backend.kept.outcomes.checkRoom(processor);
  const heldMs = (waitMs ?? 0) + afterWaitMs;
  const { gateway } = backend.keysInHand;
  const record = recordOf(command, "queued", 0, { heldMs, heldUntilMs: Date.now() + heldMs, gateway });
  try {
    return found
      ? await outcomes.replace(processor, record, found.revision)
      : await outcomes.create(processor, record);
  } catch (error) {
    throw natsUnavailable({ processor, effect: "none" }, error);
  }
}

/**
 * Frees the key after an error without effect. If that cannot be written, the key becomes free when the claim
 * ends.
 */
async function release({ stores }: Backend, command: Command, error: GatewayError): Promise<void> {
  if (error.context.effect !== "none") return;
  const { outcomes } = stores;
  const { processor, id, once } = command;
  try {
    const found = await outcomes.find(processor, id);
    if (found?.record.state !== "queued" || found.record.once?.attempt !== once?.attempt) return;
    await outcomes.replace(processor, recordOf(command, "expired", found.record.sequence), found.revision);
  } catch {
    // NATS became unavailable.
  }
}

/**
 * An earlier command with this key may have had an effect, so the error cannot say that there was none (A7).
 */
function withUnknownEffect({ code, message, context, cause }: GatewayError): GatewayError {
  return new GatewayError(code, message, { ...context, effect: "unknown" }, { cause });
}
