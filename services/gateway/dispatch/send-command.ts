import type { Stored } from "../../../libs/commands/log/publish-command.ts";
import type { Command } from "../../../libs/commands/messages/command.ts";
import type { Reply } from "../../../libs/commands/messages/reply.ts";
import { replyOfMessage } from "../../../libs/commands/messages/reply.ts";
import { cancelSubject } from "../../../libs/commands/messages/subjects.ts";
import { recordOf } from "../../../libs/commands/outcomes/outcome-store.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { admitAsync, admitSync } from "../fleet/admission.ts";
import type { Backend } from "../fleet/backend.ts";
import { checkCommandReply } from "./failures.ts";

/** The result of sending a command. */
export interface Sent {
  sequence: number;
  /**
   * The worker's reply; undefined if the client does not wait for it. It is a response of the instance, OKAY
   * or FAILED. In a replay it can also be any other reply.
   */
  reply: Reply | undefined;
  /** Whether this is the stored outcome of an earlier request with the same Idempotency-Key. */
  isReplay: boolean;
}

const cancelTimeoutMs = 1_000;

/** Where a client can ask what became of a command. */
export function commandPath(processor: string, command: string): string {
  return `/${processor}/commands/${command}`;
}

/** Sends a command. `waitMs` is how long the client waits for the reply; undefined if it does not wait. */
export async function sendCommand(
  backend: Backend,
  command: Command,
  waitMs: number | undefined,
): Promise<Sent> {
  if (waitMs === undefined) {
    return { sequence: await storeCommand(backend, command), reply: undefined, isReplay: false };
  }
  const reply = await sendAndWait(backend, command, waitMs);
  return { sequence: reply.sequence, reply, isReplay: false };
}

/**
 * Sends a command through the processor's log and waits for its reply. Returns a reply that is a response of
 * the instance, OKAY or FAILED. Throws a GatewayError for everything else. The error says the command's true
 * effect: `unknown` if it cannot be proved (A7).
 */
async function sendAndWait(backend: Backend, command: Command, waitMs: number): Promise<Reply> {
  const { processor, id } = command;
  await admitSync(backend, command, waitMs);
  const expected = backend.replies.expect(waitMs);
  const storing = store(backend, {
    ...command,
    replyTo: expected.subject,
    // Older workers know only the deadline.
    deadlineMs: Date.now() + waitMs,
    waitMs,
    ...(command.once && { store: true }),
  });
  // Only the reply is waited for, not the acknowledgement of JetStream. But a failed acknowledgement ends the
  // waiting.
  const refused = new Promise<never>((_, reject) => {
    storing.catch(reject);
  });
  try {
    const answered = await Promise.race([expected.answer, refused]);
    const reply = answered ?? (await cancel(backend, processor, storing));
    checkCommandReply(reply, { processor, command: id, sequence: reply.sequence });
    backend.states.answered(processor, reply);
    return reply;
  } catch (error) {
    const known = GatewayError.from(error);
    if (known.context.effect === "unknown") await recordQueued(backend, command, storing);
    throw ofCommand(known, command);
  } finally {
    expected.abandon();
  }
}

/**
 * Stores a command that nobody waits for. Resolves to its sequence once JetStream has acknowledged it (A6).
 * The instance may be unavailable meanwhile. `isResent` says that it was a dead letter.
 */
export async function storeCommand(
  backend: Backend,
  command: Command,
  { isResent = false }: { isResent?: boolean } = {},
): Promise<number> {
  await admitAsync(backend, { ...command, isResent });
  backend.kept.outcomes.checkRoom(command.processor);
  const storing = store(backend, { ...command, store: true });
  try {
    const { sequence } = await storing;
    await recordQueued(backend, command, storing);
    return sequence;
  } catch (error) {
    throw ofCommand(GatewayError.from(error), command);
  }
}

/** Appends a command to the log, and counts it in the processor's queue. */
async function store({ logs, states, room, streams }: Backend, command: Command): Promise<Stored> {
  const stored = await logs.append(command).catch((error) => {
    // The log may be gone.
    if (GatewayError.from(error).code === "NATS_UNAVAILABLE") streams.look().catch(() => {});
    throw error;
  });
  states.stored(command.processor, stored.sequence);
  room.stored(command);
  return stored;
}

/** Names the command in an error. Where its effect is unknown, the error says where to ask. */
function ofCommand(
  { code, message, context, cause }: GatewayError,
  { processor, id }: Command,
): GatewayError {
  const path = commandPath(processor, id);
  const where = context.effect === "unknown" ? ` What became of it is at GET ${path}` : "";
  const named: ErrorContext = { processor, command: id, ...context };
  return new GatewayError(code, message + where, named, { cause });
}

/**
 * Records that the log has the command, so that clients can ask for it before it is applied. A failure is
 * ignored: then the command is known from when its outcome is recorded.
 */
async function recordQueued(
  { stores: { outcomes } }: Backend,
  command: Command,
  storing: Promise<Stored>,
): Promise<void> {
  const { processor, id, once } = command;
  try {
    const { sequence } = await storing;
    const record = recordOf(command, "queued", sequence);
    if (await outcomes.create(processor, record)) return;
    const found = await outcomes.find(processor, id);
    const isOurs = found?.record.state === "queued" && found.record.once?.attempt === once?.attempt;
    if (isOurs) await outcomes.replace(processor, record, found.revision);
  } catch {
    // NATS became unavailable.
  }
}

/** Asks the worker not to start the command any more. The reply says what became of it. */
async function cancel(backend: Backend, processor: string, storing: Promise<Stored>): Promise<Reply> {
  try {
    const { sequence } = await storing;
    const message = await backend.nats.connection.request(cancelSubject(processor), String(sequence), {
      timeout: cancelTimeoutMs,
    });
    return replyOfMessage(message);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError("EFFECT_UNKNOWN", "The time is over, and the worker does not answer.", {
      effect: "unknown",
    });
  }
}
