import type { FastifyReply } from "fastify";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { maxDataBytes } from "../../../libs/commands/messages/reply.ts";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { maxMessageBytes } from "../../../libs/kato/rpcs.ts";
import type { NatsLink } from "../../../libs/nats/connection.ts";
import { setRateLimit } from "../http/headers.ts";
import type { Backend } from "./backend.ts";
import type { ToStore } from "./command-room.ts";
import { held, instanceUnavailable, natsUnavailable, notOwned } from "./errors.ts";
import type { Queue } from "./processor-states.ts";

// A command is refused before it is stored when it would wait in vain
// (docs/decisions/0008-refused-only-when-in-vain.md).

/** What is to be sent: a command or a query. */
type Outgoing = Pick<Command, "processor" | "data">;

/** The name of the limit on the number of commands that wait, as RateLimit has it. */
const depthLimit = "depth";

/**
 * A queue of this many commands is never too long. A Learn takes many times as long as an Observe, so the
 * mean of a few commands says too little about when they will be done.
 */
const shortQueue = 16;

/**
 * A command is refused when the queue before it takes this many times longer than its client waits. The
 * estimate is rough: the rate is that of the last seconds, and the waiting commands may be quicker or may
 * have expired. A needless 429 is worse than a 504 that had no effect.
 */
const safetyFactor = 2;

const maxRetryAfterSeconds = 60;
const pausedRetryAfterSeconds = 10;
/** Clients are told to come back to a full queue when this share of it is free. */
const freeShare = 0.1;

/** Refuses a command that would not be applied before its client stops waiting. */
export async function admitSync(backend: Backend, outgoing: ToStore, waitMs: number): Promise<void> {
  const { processor } = outgoing;
  const context: ErrorContext = { processor, effect: "none" };
  checkReachable(backend, outgoing);
  checkQueueLimits(backend, context, processor);
  await backend.room.admit(outgoing, context);
  const queue = backend.states.queue(processor);
  if (!queue || queue.depth <= shortQueue) return;
  if (backend.states.get(processor)?.state === "paused") {
    // The registry knows first that it is resumed. A backup pauses for a moment, and the client waits for longer.
    const entry = backend.registry.get(processor);
    if (!entry?.paused || entry.paused_by !== undefined) return;
    throw paused(queue, context);
  }
  // Without a rate nobody can say how long the queue takes.
  if (queue.drainRate === 0) return;
  const seconds = queue.depth / queue.drainRate;
  if (seconds * 1_000 > safetyFactor * waitMs) throw tooLong(queue, seconds, waitMs, context);
}

/**
 * Refuses a command that no client waits for when the queue is full, or when there is no room for it. The
 * instance may be unavailable, and the processor paused.
 */
export async function admitAsync(backend: Backend, outgoing: ToStore): Promise<void> {
  const context: ErrorContext = { processor: outgoing.processor, effect: "none" };
  checkSendable(backend, outgoing);
  checkQueueLimits(backend, context, outgoing.processor);
  await backend.room.admit(outgoing, context);
}

/** Refuses what NATS or KATO would not take. */
export function checkSendable({ nats }: Backend, { processor, data }: Outgoing): void {
  const context: ErrorContext = { processor, effect: "none" };
  const limit = requestLimitBytes(nats);
  if (data.length > limit) {
    throw new GatewayError(
      "TOO_LARGE",
      `The request is ${data.length} bytes for KATO, the limit is ${limit}.`,
      context,
    );
  }
  if (!nats.connected) throw natsUnavailable(context);
}

/**
 * Refuses what `checkSendable` refuses. It also refuses everything while no worker runs the processor, or
 * while its instance is down or it is held, because nobody would answer.
 */
export function checkReachable(backend: Backend, outgoing: Outgoing): void {
  checkSendable(backend, outgoing);
  const { states } = backend;
  const { processor } = outgoing;
  if (states.isUnowned(processor)) throw notOwned({ processor, effect: "none" });
  const report = states.get(processor);
  if (report?.state === "down") throw instanceUnavailable({ processor, effect: "none" });
  if (report?.state === "held") throw held(report.reason, { processor });
}

/** The largest request that both NATS and KATO take, in bytes. */
export function requestLimitBytes({ maxPayloadBytes }: Pick<NatsLink, "maxPayloadBytes">): number {
  return Math.min(maxMessageBytes, maxDataBytes(maxPayloadBytes));
}

/**
 * Refuses a command when as many commands wait as the settings allow, or when the oldest of them waits for
 * longer than they allow. `unstored` are commands that are on their way into the log and not counted in the
 * queue yet.
 */
export function checkQueueLimits(
  { states, queueLimits }: Backend,
  context: ErrorContext,
  processor: string,
  unstored = 0,
): void {
  const queue = states.queue(processor);
  if (!queue) return;
  const { oldestMs, drainRate } = queue;
  const depth = queue.depth + unstored;
  const { maxDepth, maxAgeMs } = queueLimits;
  if (depth >= maxDepth) {
    const retryAfterSeconds = secondsFor(depth - (1 - freeShare) * maxDepth, drainRate);
    const limit = { name: depthLimit, commands: maxDepth };
    const detail = `${depth} commands wait for this processor, and no more than ${maxDepth} may.`;
    throw new GatewayError("QUEUE_FULL", detail, { ...context, retryAfterSeconds, limit });
  }
  if (maxAgeMs >= 0 && oldestMs > maxAgeMs) {
    const retryAfterSeconds = secondsFor(depth, drainRate);
    const oldest = Math.round(oldestMs);
    const detail = `The oldest command waits for ${oldest} ms, and no more than ${maxAgeMs} are allowed.`;
    throw new GatewayError("QUEUE_FULL", detail, { ...context, retryAfterSeconds, limit: { name: "age" } });
  }
}

/** Tells a client that sends without waiting how many more commands may wait. */
export function setQueueRateLimit(
  reply: FastifyReply,
  { states, queueLimits }: Backend,
  processor: string,
): void {
  const queue = states.queue(processor);
  if (!queue) return;
  const { maxDepth: commands } = queueLimits;
  setRateLimit(reply, { name: depthLimit, commands, available: Math.max(0, commands - queue.depth) });
}

function paused({ depth }: Queue, context: ErrorContext): GatewayError {
  const detail = `The processor is paused, and ${depth} commands wait until it is resumed.`;
  return new GatewayError("QUEUE_PAUSED", detail, { ...context, retryAfterSeconds: pausedRetryAfterSeconds });
}

function tooLong(
  { depth, drainRate }: Queue,
  queueSeconds: number,
  waitMs: number,
  context: ErrorContext,
): GatewayError {
  const waitSeconds = waitMs / 1_000;
  const needed = `${depth} commands wait, which takes about ${Math.ceil(queueSeconds)} s`;
  return new GatewayError("QUEUE_TOO_LONG", `${needed}, and the client waits for ${waitSeconds} s.`, {
    ...context,
    retryAfterSeconds: secondsFor(depth - waitSeconds * drainRate, drainRate),
    limit: { name: "wait" },
  });
}

/** How many seconds it takes to apply so many commands, as a client is told: from 1 to 60. */
function secondsFor(commands: number, drainRate: number): number {
  const seconds = drainRate > 0 ? Math.ceil(commands / drainRate) : maxRetryAfterSeconds;
  return Math.min(Math.max(seconds, 1), maxRetryAfterSeconds);
}
