import type { FastifyReply } from "fastify";
import type { Backend } from "../open-backend.ts";
import { depthLimit } from "./admission.ts";

/** How near a limit is. */
export interface RateLimit {
  /** Which one. */
  name: string;
  /** How many commands it allows, where it is one of commands. */
  commands?: number;
  /** How many more it allows now. */
  available: number;
  /** For how many seconds it allows no more than that, where that can be said. */
  seconds?: number | undefined;
}

/** Sets the RateLimit fields (draft-ietf-httpapi-ratelimit-headers-11; their unit, requests, is a command here). */
export function setRateLimit(reply: FastifyReply, { name, commands, available, seconds }: RateLimit): void {
  if (commands !== undefined) reply.header("ratelimit-policy", `"${name}";q=${commands}`);
  reply.header("ratelimit", `"${name}";r=${available}${seconds === undefined ? "" : `;t=${seconds}`}`);
}

/** Tells whoever sends without waiting how many more commands may wait. */
export function tellRoom(reply: FastifyReply, { states, queueLimits }: Backend, processor: string): void {
  const queue = states.queue(processor);
  if (!queue) return;
  const { maxDepth: commands } = queueLimits;
  setRateLimit(reply, { name: depthLimit, commands, available: Math.max(0, commands - queue.depth) });
}
