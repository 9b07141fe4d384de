import type { FastifyReply } from "fastify";
import type { ErrorContext } from "../../../libs/errors/gateway-error.ts";

/** Names the command that an HTTP answer is about. What is not known gets no header. */
export function setCommandHeaders(
  reply: FastifyReply,
  { command, sequence }: Pick<ErrorContext, "command" | "sequence">,
): void {
  if (command) reply.header("kato-command", command);
  if (sequence) reply.header("kato-sequence", String(sequence));
}

/** How near a client is to a limit. */
export interface RateLimit {
  /** The limit's name: `depth`, `age`, `wait` or `log`. */
  name: string;
  /** How many commands the limit allows; absent where it does not count commands. */
  commands?: number;
  /** How many more commands it allows now. */
  available: number;
  /** For how many seconds it allows no more than that; absent where nobody can say. */
  seconds?: number | undefined;
}

/**
 * Sets the RateLimit fields of draft-ietf-httpapi-ratelimit-headers-11. The draft counts requests; here they
 * are commands.
 */
export function setRateLimit(reply: FastifyReply, { name, commands, available, seconds }: RateLimit): void {
  if (commands !== undefined) reply.header("ratelimit-policy", `"${name}";q=${commands}`);
  reply.header("ratelimit", `"${name}";r=${available}${seconds === undefined ? "" : `;t=${seconds}`}`);
}
