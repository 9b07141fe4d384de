import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import type { Outgoing } from "../dispatch/send-command.ts";
import type { Backend } from "../open-backend.ts";
import type { Queue } from "./processor-states.ts";
import { refuseEarly, refuseUnsendable } from "./refusals.ts";

/** The limit on how many commands may wait, as clients are told of it. */
export const depthLimit = "depth";

/**
 * So few are never too many: the mean of fewer commands, of which a Learn takes many times as long as an Observe, says too little
 * about when they will be done.
 */
const fewCommands = 16;

/**
 * The rate is that of the last seconds: what waits may be quicker, and what has expired meanwhile is only passed. A command is
 * refused when the work before it takes this many times longer than its client waits, as a needless 429 is worse than a
 * 504 without effect.
 */
const doubt = 2;

const maxRetryAfterSeconds = 60;
const resumeRetryAfterSeconds = 10;
/** How much of a full queue is to be worked off before it makes sense to come back. */
const roomShare = 0.1;

/** Refuses a synchronous command that would not be applied before its client stops waiting, as far as that can be known. */
export function admitSync(backend: Backend, outgoing: Outgoing): void {
  const { processor, waitMs } = outgoing;
  const context: ErrorContext = { processor, effect: "none" };
  refuseEarly(backend, outgoing);
  refuseFull(backend, context, processor);
  const queue = backend.states.queue(processor);
  if (!queue || queue.depth <= fewCommands) return;
  if (backend.states.get(processor)?.state === "paused") throw paused(queue, context);
  // Not known: it is not refused for that.
  if (queue.drainRate === 0) return;
  const seconds = queue.depth / queue.drainRate;
  if (seconds * 1_000 > doubt * waitMs) throw tooLong(queue, seconds, waitMs, context);
}

/** Refuses an asynchronous command where too much waits already. Its instance may be away, and its processor paused. */
export function admitAsync(backend: Backend, outgoing: Outgoing): void {
  const { processor } = outgoing;
  refuseUnsendable(backend, outgoing);
  refuseFull(backend, { processor, effect: "none" }, processor);
}

/** Refuses whatever is to be stored where more waits than the settings allow; `underWay` is what will wait as soon as it is stored. */
export function refuseFull(
  { states, queueLimits }: Backend,
  context: ErrorContext,
  processor: string,
  underWay = 0,
): void {
  const queue = states.queue(processor);
  if (!queue) return;
  const { oldestMs, drainRate } = queue;
  const depth = queue.depth + underWay;
  const { maxDepth, maxAgeMs } = queueLimits;
  if (depth >= maxDepth) {
    const retryAfterSeconds = secondsFor(depth - (1 - roomShare) * maxDepth, drainRate);
    const limit = { name: depthLimit, commands: maxDepth };
    const detail = `${depth} commands wait for this processor, and no more than ${maxDepth} may.`;
    throw new GatewayError("QUEUE_FULL", detail, { ...context, retryAfterSeconds, limit });
  }
  if (maxAgeMs >= 0 && oldestMs > maxAgeMs) {
    const retryAfterSeconds = secondsFor(depth, drainRate);
    const detail = `The oldest command waits for ${Math.round(oldestMs)} ms, and no more than ${maxAgeMs} are allowed.`;
    throw new GatewayError("QUEUE_FULL", detail, { ...context, retryAfterSeconds, limit: { name: "age" } });
  }
}

function paused({ depth }: Queue, context: ErrorContext): GatewayError {
  const detail = `The processor is paused, and ${depth} commands wait until it is resumed.`;
  return new GatewayError("QUEUE_PAUSED", detail, { ...context, retryAfterSeconds: resumeRetryAfterSeconds });
}

function tooLong(
  { depth, drainRate }: Queue,
  seconds: number,
  waitMs: number,
  context: ErrorContext,
): GatewayError {
  const waitSeconds = waitMs / 1_000;
  const detail = `${depth} commands wait, which takes about ${Math.ceil(seconds)} s, and the client waits for ${waitSeconds} s.`;
  return new GatewayError("QUEUE_TOO_LONG", detail, {
    ...context,
    retryAfterSeconds: secondsFor(depth - waitSeconds * drainRate, drainRate),
    limit: { name: "wait" },
  });
}

/** In how many seconds so many commands are worked off: at least one, and no more than a client should sleep over. */
function secondsFor(commands: number, drainRate: number): number {
  const seconds = drainRate > 0 ? Math.ceil(commands / drainRate) : maxRetryAfterSeconds;
  return Math.min(Math.max(seconds, 1), maxRetryAfterSeconds);
}
