import { randomFillSync } from "node:crypto";

const idBytes = 16;
/** The random bytes of the next ids. Asking the system for those of each id would cost more than the rest of it. */
const pool = Buffer.alloc(256 * idBytes);
let usedBytes = pool.length;

/**
 * An id that others are told. It cannot be guessed and says nothing about other ids, so who knows one does not
 * find the others by it. In base64url, which fits into a path and a header.
 */
export function randomId(): string {
  if (usedBytes === pool.length) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  const begin = usedBytes;
  usedBytes += idBytes;
  return pool.toString("base64url", begin, usedBytes);
}
