import type { FastifyReply, FastifyRequest } from "fastify";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";
import { invalid } from "./problem.ts";

// The headers that requests of a processor have, and those of their answers.

/** How long a request waits for its answer (RFC 7240, the `wait` preference). */
export interface Wait {
  waitMs: number;
  /** The value of the answer's `Preference-Applied`; absent if the client did not ask. */
  applied?: string;
}

const defaultSeconds = 30;
const maxSeconds = 300;
const maxKeyLength = 255;

/**
 * Reads `Prefer: wait=seconds`. More than 300 counts as 300. What cannot be read is ignored, as RFC 7240
 * demands.
 */
export function readWait(prefer: string | string[] | undefined): Wait {
  for (const preference of preferencesOf(prefer)) {
    const [, digits] = /^\s*wait\s*=\s*"?(\d+)"?\s*(;.*)?$/i.exec(preference) ?? [];
    if (digits === undefined) continue;
    const seconds = Math.min(Number(digits), maxSeconds);
    return { waitMs: seconds * 1_000, applied: `wait=${seconds}` };
  }
  return { waitMs: defaultSeconds * 1_000 };
}

/** Whether a command is to be answered as soon as it is stored (RFC 7240, the `respond-async` preference). */
export function prefersAsync(prefer: string | string[] | undefined): boolean {
  return preferencesOf(prefer).some((preference) => /^\s*respond-async\s*(;.*)?$/i.test(preference));
}

function preferencesOf(prefer: string | string[] | undefined): string[] {
  return [prefer ?? []].flat().join(",").split(",");
}

/**
 * The request's `Idempotency-Key`; undefined if there is none. It has the principal in it, so no
 * client gets the answer of another. Throws INVALID_INPUT.
 */
export function readIdempotencyKey({
  headers,
  principal,
}: Pick<FastifyRequest, "headers"> & { principal: { id: string } }): string | undefined {
  const header = headers["idempotency-key"];
  if (header === undefined) return undefined;
  const key = [header].flat().join(",").trim();
  if (key === "" || key.length > maxKeyLength) {
    invalid("Idempotency-Key", `must have 1 to ${maxKeyLength} characters`);
  }
  // Headers have no line breaks, so this cannot be mistaken for another principal and key.
  return principal.id === "" ? key : `${principal.id}\n${key}`;
}

/** Names the command that an HTTP answer is about. What is not known gets no header. */
export function setCommandHeaders(
  reply: FastifyReply,
  { command, sequence }: Pick<ErrorContext, "command" | "sequence">,
): void {
  if (command) reply.header("kato-command", command);
  if (sequence) reply.header("kato-sequence", String(sequence));
}

/** An answer says how things stand at this moment, so it is not to be stored; nor is its type to be guessed. */
export function setSafetyHeaders(reply: FastifyReply): void {
  reply.header("x-content-type-options", "nosniff");
  if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
}

/** How near a client is to a limit. */
export interface RateLimit {
  /** The limit's name: `depth`, `age`, `wait` or `log`. */
  name: string;
  /** How many commands the limit allows; absent if it does not count commands. */
  commands?: number;
  /** How many more commands it allows now. */
  available: number;
  /** For how many seconds it allows no more than that; absent if nobody can say. */
  seconds?: number | undefined;
}

/**
 * Sets the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11. What the draft calls requests are
 * commands here.
 */
export function setRateLimit(reply: FastifyReply, { name, commands, available, seconds }: RateLimit): void {
  if (commands !== undefined) reply.header("ratelimit-policy", `"${name}";q=${commands}`);
  reply.header("ratelimit", `"${name}";r=${available}${seconds === undefined ? "" : `;t=${seconds}`}`);
}
