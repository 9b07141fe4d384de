import { createHash } from "node:crypto";
import { nuid } from "@nats-io/transport-node";
import type { FastifyRequest } from "fastify";
import type { Command } from "../../../libs/commands/command.ts";
import { invalid } from "../http/problem.ts";

const maxKeyLength = 255;

/**
 * The request's `Idempotency-Key`; undefined where there is none. It has the principal's name in it, so no
 * client gets the answer of another. Throws INVALID_INPUT.
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
  // Headers have no line breaks, so this cannot be mistaken for another principal and key.
  return principal === "" ? key : `${principal}\n${key}`;
}

/** The id of every command that is sent to this processor under this key. */
export function commandIdOf(processor: string, key: string): string {
  return hash(processor, key).slice(0, 22);
}

/** Tells what a command asks for. A key may not be used again with another fingerprint. */
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
  return key === undefined ? nuid.next() : commandIdOf(request.params.id, key);
}

/** A hash of the parts. Their lengths are in it too, so that no two lists of parts have the same text. */
function hash(...parts: (string | Uint8Array)[]): string {
  const all = createHash("sha256");
  for (const part of parts) all.update(`${part.length}:`).update(part);
  return all.digest("base64url");
}
