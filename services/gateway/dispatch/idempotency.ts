import { createHash } from "node:crypto";
import { nuid } from "@nats-io/transport-node";
import type { FastifyRequest } from "fastify";
import type { Command } from "../../../libs/commands/command.ts";
import type { Found } from "../../../libs/commands/outcomes.ts";
import { recordOf } from "../../../libs/commands/outcomes.ts";
import type { Reply } from "../../../libs/commands/reply.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { admitAsync, admitSync } from "../fleet/admission.ts";
import { keyRunning, natsAway } from "../fleet/refusals.ts";
import { invalid } from "../http/invalid.ts";
import type { Backend } from "../open-backend.ts";
import { findCommand } from "./command-records.ts";
import type { Accepted, Outgoing } from "./send-command.ts";
import { acceptCommand, commandReply, sendCommand } from "./send-command.ts";

/** What became of sending a command: it is stored, or it was answered. */
export type Sent =
  | { kind: "accepted"; accepted: Accepted }
  | { kind: "answered"; reply: Reply; command: string };

export interface SendOptions {
  respondAsync: boolean;
  /** Called when what follows is a stored answer. */
  onReplay: () => void;
}

/** What is left after the wait for finding out how it ended, before a claim counts as left behind. */
const afterWaitMs = 10_000;
const maxRounds = 5;
const maxKeyLength = 255;

/**
 * Sends a command under an Idempotency-Key: however often it is asked for, on however many gateways, it is applied once.
 *
 * There is one record for a key and processor, and its command id is a hash of both. It says `queued` (by a gateway), `started`
 * (by the worker) or how it ended. Only the worker's part keeps a command from being applied twice: in the order of the log, it
 * writes `started` with the command's sequence before it starts one, by compare-and-set, and leaves out every other command
 * of that key from then on (OutcomeRecorder). So a gateway may send again whenever in doubt, and what it writes serves only to
 * give the better answer:
 *
 * - It dies after `queued`, before the log has the command: nothing was applied. The claim holds repeats off (409) until
 *   `heldUntilMs`, then the next one is sent.
 * - It dies when the log has it, or does not hear the acknowledgement: as above; if the first one is applied after all, the
 *   second is left out, and the record answers for both.
 * - It dies after the command was applied: the worker keeps the answer before the checkpoint passes the command, and gives it
 *   only then; a repeat gets it from the record.
 * - The worker dies between `started` and the call: the next one finds its own sequence there, and starts it. Between the call
 *   and the outcome: the next one reconciles, and keeps what it has proved. Between the outcome and the checkpoint: the same,
 *   and the first outcome stays.
 * - The command expired (503, 504 `effect: none`): the record says so, or is put back by the gateway, and a repeat is a new
 *   message with a new message id, so JetStream's own window of duplicates is not in its way. Should the expired one be
 *   started after all, then as the first of the two in the log, and the repeat is left out.
 *
 * The record lives for 24 hours after it was written last, and so does all this.
 */
export async function sendOnce(
  backend: Backend,
  outgoing: Outgoing,
  key: string,
  options: SendOptions,
): Promise<Sent> {
  const { processor } = outgoing;
  const id = commandIdOf(processor, key);
  const fingerprint = hash(outgoing.method, outgoing.form ?? "", outgoing.data);
  for (let round = 0; round < maxRounds; round++) {
    const found = await findCommand(backend, processor, id);
    const known = found && answerOf(found, processor, fingerprint, options);
    if (known) return known;
    const once = { fingerprint, attempt: nuid.next() };
    const claimed = { ...outgoing, id, once };
    if (!(await claim(backend, claimed, found, options))) continue;
    try {
      return await send(backend, claimed, options);
    } catch (error) {
      const known = GatewayError.from(error);
      // Left out by the worker: the record has the answer of the one that was started.
      if (known.code === "KEY_RUNNING") continue;
      await release(backend, claimed, known);
      throw found?.record.state === "queued" ? asUncertain(known) : known;
    }
  }
  throw keyRunning({ processor, command: id });
}

/**
 * The `Idempotency-Key` of a request, made its principal's own, so that no client is told another's answer; undefined where there
 * is none. Throws INVALID_INPUT.
 */
export function readIdempotencyKey({
  headers,
  principal,
}: Pick<FastifyRequest, "headers" | "principal">): string | undefined {
  const header = headers["idempotency-key"];
  if (header === undefined) return undefined;
  const key = [header].flat().join(",").trim();
  if (key === "" || key.length > maxKeyLength) {
    invalid("Idempotency-Key", `must have 1 to ${maxKeyLength} characters`);
  }
  // Neither has a line break.
  return principal === "" ? key : `${principal}\n${key}`;
}

/** The id of every command that is sent to this processor under this key. */
export function commandIdOf(processor: string, key: string): string {
  return hash(processor, key).slice(0, 22);
}

/** What a command's record answers; undefined where the key is free. */
function answerOf(
  { record }: Found,
  processor: string,
  fingerprint: string,
  { respondAsync, onReplay }: SendOptions,
): Sent | undefined {
  const { state, command, sequence, reply, once, heldUntilMs = 0 } = record;
  if (state === "expired") return undefined;
  if (once?.fingerprint !== fingerprint) {
    throw new GatewayError("KEY_REUSED", "This Idempotency-Key was used for another request.", {
      processor,
      effect: "none",
      errors: [{ field: "Idempotency-Key", detail: "was used with another body or path" }],
    });
  }
  const context = { processor, command, ...(sequence > 0 && { sequence }) };
  if (reply) {
    onReplay();
    return { kind: "answered", reply: commandReply(reply, context), command };
  }
  if (respondAsync && sequence > 0) {
    onReplay();
    return { kind: "accepted", accepted: { command, sequence } };
  }
  if (state === "queued" && sequence === 0 && Date.now() > heldUntilMs) return undefined;
  throw keyRunning(context);
}

/** Says that the key is in use now; false when somebody else just did. What cannot be sent now does not take the key. */
async function claim(
  backend: Backend,
  outgoing: Outgoing & Pick<Command, "id">,
  found: Found | undefined,
  { respondAsync }: SendOptions,
): Promise<boolean> {
  const { outcomes } = backend;
  const { processor } = outgoing;
  if (respondAsync) admitAsync(backend, outgoing);
  else admitSync(backend, outgoing);
  const heldUntilMs = Date.now() + (respondAsync ? 0 : outgoing.waitMs) + afterWaitMs;
  const record = recordOf(outgoing, "queued", 0, { heldUntilMs });
  try {
    return found
      ? await outcomes.replace(processor, record, found.revision)
      : await outcomes.create(processor, record);
  } catch (error) {
    throw natsAway({ processor, effect: "none" }, error);
  }
}

/** Sends a command, and waits for its answer or not. */
export async function send(
  backend: Backend,
  outgoing: Outgoing,
  { respondAsync }: Pick<SendOptions, "respondAsync">,
): Promise<Sent> {
  if (respondAsync) return { kind: "accepted", accepted: await acceptCommand(backend, outgoing) };
  return { kind: "answered", ...(await sendCommand(backend, outgoing)) };
}

/** After an end without effect the key can be used again at once. If that cannot be written, it can when the claim is old. */
async function release(
  { outcomes }: Backend,
  command: Outgoing & Command,
  error: GatewayError,
): Promise<void> {
  if (error.context.effect !== "none") return;
  const { processor, id, once } = command;
  try {
    const found = await outcomes.find(processor, id);
    if (found?.record.state !== "queued" || found.record.once?.attempt !== once?.attempt) return;
    await outcomes.replace(processor, recordOf(command, "expired", found.record.sequence), found.revision);
  } catch {
    // NATS went away.
  }
}

/** Of an earlier command with this key nothing is known, so neither is that there was no effect (A7). */
function asUncertain({ code, message, context, cause }: GatewayError): GatewayError {
  return new GatewayError(code, message, { ...context, effect: "unknown" }, { cause });
}

function hash(...parts: (string | Uint8Array)[]): string {
  const all = createHash("sha256");
  for (const part of parts) all.update(`${part.length}:`).update(part);
  return all.digest("base64url");
}
