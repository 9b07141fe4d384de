import { setTimeout as sleep } from "node:timers/promises";
import { status as grpc } from "@grpc/grpc-js";
import { nuid, TimeoutError } from "@nats-io/transport-node";
import type { Command, Once } from "../../../libs/commands/command.ts";
import type { Stored } from "../../../libs/commands/log.ts";
import { cancelSubject, querySubject } from "../../../libs/commands/names.ts";
import { recordOf } from "../../../libs/commands/outcomes.ts";
import { headersOfQuery } from "../../../libs/commands/query.ts";
import type { Reply } from "../../../libs/commands/reply.ts";
import { replyOfMessage } from "../../../libs/commands/reply.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { isNoResponders } from "../../../libs/nats/no-responders.ts";
import type { TraceContext } from "../../../libs/telemetry/trace-context.ts";
import { admitAsync, admitSync } from "../fleet/admission.ts";
import { instanceAway, keyRunning, natsAway, notOwned, refuseEarly } from "../fleet/refusals.ts";
import type { Backend } from "../open-backend.ts";
import { grpcFailure } from "./failures.ts";

/** A command or a query as a route sends it. */
export interface Outgoing {
  processor: string;
  method: string;
  /** The protobuf request. */
  data: Uint8Array;
  /** How long the client waits. */
  waitMs: number;
  /** Of a command: how its answer is worded. */
  form?: string;
  /** Of a command: its id; a new one where it is left out. */
  id?: string;
  /** Of a command sent under an Idempotency-Key. */
  once?: Once;
  /** Of a query: answered no earlier than when this command has been applied. */
  after?: number;
  /** Of a command: who has sent it. */
  sender?: string;
  /** The trace of the request that it comes of. */
  trace?: TraceContext | undefined;
}

/** What came back: a response of the instance, OKAY or FAILED. */
export interface Answered {
  reply: Reply;
  /** The command's id; "" for a query. */
  command: string;
}

/** A command that is stored. */
export interface Accepted {
  command: string;
  sequence: number;
}

const cancelTimeoutMs = 1_000;

/**
 * Sends a command through the processor's log and waits for its reply. Throws a GatewayError for whatever is not a
 * response of the instance, with its true effect: `unknown` where it cannot be proved (A7).
 */
export async function sendCommand(backend: Backend, outgoing: Outgoing): Promise<Answered> {
  const { processor, waitMs, id = nuid.next(), ...message } = outgoing;
  admitSync(backend, outgoing);
  const context: ErrorContext = { processor, command: id };
  const expected = backend.replies.expect(waitMs);
  const command: Command = {
    ...message,
    processor,
    id,
    replyTo: expected.subject,
    deadlineMs: Date.now() + waitMs,
    ...(message.once && { store: true }),
  };
  const storing = store(backend, command);
  // The reply is waited for, not the acknowledgement; but an acknowledgement that is an error ends the waiting.
  const refused = new Promise<never>((_, reject) => {
    storing.catch(reject);
  });
  try {
    const reply =
      (await Promise.race([expected.reply, refused])) ?? (await giveUp(backend, processor, storing));
    return { reply: commandReply(reply, { ...context, sequence: reply.sequence }), command: id };
  } catch (error) {
    const known = GatewayError.from(error);
    if (known.context.effect === "unknown") await noteQueued(backend, command, storing);
    throw ofCommand(known, context, commandPath(processor, id));
  } finally {
    expected.abandon();
  }
}

/**
 * Stores a command that nobody waits for, and resolves once JetStream has acknowledged it (A6). It is taken whether or not its
 * instance is there.
 */
export async function acceptCommand(backend: Backend, outgoing: Outgoing): Promise<Accepted> {
  const { processor, waitMs: _, id = nuid.next(), ...message } = outgoing;
  admitAsync(backend, outgoing);
  const command: Command = { ...message, processor, id, store: true };
  const storing = store(backend, command);
  try {
    const { sequence } = await storing;
    await noteQueued(backend, command, storing);
    return { command: id, sequence };
  } catch (error) {
    throw ofCommand(GatewayError.from(error), { processor, command: id }, commandPath(processor, id));
  }
}

/** Stores a command, so that it is known to wait. */
async function store({ logs, states }: Backend, command: Command): Promise<Stored> {
  const stored = await logs.append(command);
  states.stored(command.processor, stored.sequence);
  return stored;
}

/** The error of a command names it and, where its effect is unknown, where to ask. */
function ofCommand(
  { code, message, context, cause }: GatewayError,
  more: ErrorContext,
  path: string,
): GatewayError {
  const where = context.effect === "unknown" ? ` What became of it is at GET ${path}` : "";
  return new GatewayError(code, message + where, { ...more, ...context }, { cause });
}

/** Where it can be asked what became of a command. */
export function commandPath(processor: string, command: string): string {
  return `/${processor}/commands/${command}`;
}

/**
 * Keeps that the log has the command, so that it can be asked for before it is applied. Where that cannot be kept the command
 * is known from when its outcome is, so it is not worth failing for.
 */
async function noteQueued(backend: Backend, command: Command, storing: Promise<Stored>): Promise<void> {
  const { processor, id, once } = command;
  try {
    const { sequence } = await storing;
    const record = recordOf(command, "queued", sequence);
    if (await backend.outcomes.create(processor, record)) return;
    const found = await backend.outcomes.find(processor, id);
    const isOurs = found?.record.state === "queued" && found.record.once?.attempt === once?.attempt;
    if (isOurs) await backend.outcomes.replace(processor, record, found.revision);
  } catch {
    // NATS went away meanwhile.
  }
}

/** Sends a query to the worker that runs the processor and waits for the answer. A query never has an effect. */
export async function sendQuery(backend: Backend, outgoing: Outgoing): Promise<Answered> {
  const { processor, method, data, waitMs, after, trace } = outgoing;
  refuseEarly(backend, outgoing);
  const context: ErrorContext = { processor, effect: "none" };
  const giveUpAt = performance.now() + waitMs;
  for (;;) {
    const leftMs = Math.max(Math.ceil(giveUpAt - performance.now()), 1);
    try {
      const message = await backend.nats.connection.request(querySubject(processor), data, {
        timeout: leftMs,
        headers: headersOfQuery({ method, trace, ...(after !== undefined && { after, waitMs: leftMs }) }),
      });
      const reply = replyOfMessage(message);
      if (!isHandedOver(reply)) return { reply: queryReply(reply, context), command: "" };
    } catch (error) {
      if (!isNoResponders(error) || backend.states.isUnowned(processor)) throw queryFailure(error, context);
    }
    // One worker has given the processor up, or has died, and another is taking it.
    if (performance.now() + handOverMs >= giveUpAt) throw notOwned(context);
    await sleep(handOverMs);
  }
}

/** Between two attempts to find the worker that has taken a processor over. */
const handOverMs = 50;

function isHandedOver({ outcome, grpcStatus }: Reply): boolean {
  return outcome === "expired" && grpcStatus === grpc.ABORTED;
}

/** When the wait is over: has the worker leave the command alone if it has not started it. */
async function giveUp(backend: Backend, processor: string, storing: Promise<Stored>): Promise<Reply> {
  try {
    const { sequence } = await storing;
    const answer = await backend.nats.connection.request(cancelSubject(processor), String(sequence), {
      timeout: cancelTimeoutMs,
    });
    return replyOfMessage(answer);
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError("EFFECT_UNKNOWN", "The time is over, and the worker does not answer.", {
      effect: "unknown",
    });
  }
}

/** The command's reply when the instance has responded, OKAY or FAILED. */
export function commandReply(reply: Reply, context: ErrorContext): Reply {
  if (isResponse(reply)) return reply;
  if (reply.grpcStatus === grpc.ALREADY_EXISTS) throw keyRunning(context);
  if (reply.outcome === "unknown") {
    throw new GatewayError("EFFECT_UNKNOWN", "The command was started, and its end was not seen.", {
      ...context,
      effect: "unknown",
    });
  }
  throw withoutEffect(reply, { ...context, effect: "none" });
}

/** The query's reply when the instance has responded. */
function queryReply(reply: Reply, context: ErrorContext): Reply {
  if (isResponse(reply)) return reply;
  if (reply.outcome === "unknown" && reply.grpcStatus !== grpc.DEADLINE_EXCEEDED) throw instanceAway(context);
  throw withoutEffect(reply, context);
}

/** Of a command of several RPCs one may have brought a gRPC error: that shows in its part of the answer. */
function isResponse({ outcome, grpcStatus, data }: Reply): boolean {
  return (grpcStatus === grpc.OK || data.length > 0) && (outcome === "applied" || outcome === "failed");
}

function withoutEffect({ outcome, grpcStatus, detail }: Reply, context: ErrorContext): GatewayError {
  if (outcome === "failed") return grpcFailure(grpcStatus, detail, context);
  if (grpcStatus === grpc.UNAVAILABLE) return instanceAway(context);
  return new GatewayError("DEADLINE_PASSED", "It was not started in time, and will not be.", context);
}

/** Why a request to the worker that runs a processor brought no answer. */
export function queryFailure(error: unknown, context: ErrorContext): GatewayError {
  if (isNoResponders(error)) return notOwned(context);
  if (error instanceof TimeoutError || (error instanceof Error && error.cause instanceof TimeoutError)) {
    return new GatewayError("DEADLINE_PASSED", "The processor did not answer in time.", context);
  }
  if (error instanceof GatewayError) return error;
  return natsAway(context, error);
}
