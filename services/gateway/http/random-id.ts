import { randomBytes } from "node:crypto";

/**
 * An id that nobody can guess from others. Who knows the id of a command, an ingestion or a request may ask
 * for it. nuid counts on from one id to the next, so it is only for what clients do not see.
 */
export function randomId(): string {
  return randomBytes(16).toString("base64url");
}
