import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Command } from "../../../libs/commands/messages/command.ts";
import { readIdempotencyKey } from "../http/headers.ts";
import { randomId } from "../http/random-id.ts";

/** The id of every command that is sent to this processor under this key. */
export function commandIdOf(processor: string, key: string): string {
  return hash(processor, key).slice(0, 22);
}

/** A hash of what a command asks for. A key may not be used again with another fingerprint. */
export function fingerprintOf({
  method,
  form = "",
  data,
}: Pick<Command, "method" | "form" | "data">): string {
  return hash(method, form, data);
}

/** A unique_id for an observation that has none. With an Idempotency-Key it is the same each time. */
export function newUniqueId(request: FastifyRequest<{ Params: { id: string } }>): string {
  const key = readIdempotencyKey(request);
  return key === undefined ? randomId() : commandIdOf(request.params.id, key);
}

/** A hash of the parts. Their lengths are in it too, so that no two lists of parts have the same text. */
function hash(...parts: (string | Uint8Array)[]): string {
  const all = createHash("sha256");
  for (const part of parts) all.update(`${part.length}:`).update(part);
  return all.digest("base64url");
}
