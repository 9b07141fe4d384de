import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Command, KeyUse } from "../../../libs/commands/messages/command.ts";
import { comparableRequest } from "../../../libs/kato/comparable-request.ts";
import { readIdempotencyKey } from "../http/headers.ts";
import { randomId } from "../http/random-id.ts";

/** The id of every command that is sent to this processor under this key. */
export function commandIdOf(processor: string, key: string): string {
  return hash(processor, key).slice(0, 22);
}

/** Hashes of what a command asks for. */
export type Fingerprints = Pick<KeyUse, "fingerprint" | "anyOrder">;

/** A key may not be used again for a command whose fingerprints are not the same (`isSameRequest`). */
export function fingerprintsOf({
  method,
  form = "",
  data,
}: Pick<Command, "method" | "form" | "data">): Fingerprints {
  const comparable = comparableRequest(method, data);
  return {
    fingerprint: hash(method, form, data),
    ...(comparable && { anyOrder: hash(method, form, comparable) }),
  };
}

/** Whether two commands ask for the same. JSON with its keys in another order does. */
export function isSameRequest(one: Fingerprints, other: Fingerprints): boolean {
  const isSameInOrder = one.fingerprint === other.fingerprint;
  return isSameInOrder || (one.anyOrder !== undefined && one.anyOrder === other.anyOrder);
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
