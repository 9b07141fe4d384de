import type { KvEntry } from "@nats-io/kv";

/** A key of a bucket at one revision. It has no value if the key was removed, or has what cannot be read. */
export interface Revision<T> {
  revision: number;
  value?: T | undefined;
}

/** Reads a value of the bucket; undefined if it is not valid: other programs can write to the bucket too. */
export type ReadValue<T> = (key: string, value: unknown) => T | undefined;

/** Reads a key as it was found in the bucket. */
export function readRevision<T>(found: KvEntry, read: ReadValue<T>): Revision<T> {
  const { revision, key } = found;
  if (found.operation !== "PUT") return { revision };
  try {
    return { revision, value: read(key, found.json()) };
  } catch {
    return { revision };
  }
}

/**
 * Keeps the newer of two revisions, and returns whether that is the given one. What was just written can be
 * known before the watch tells of the revision that it replaced.
 */
export function putNewer<T>(
  revisions: Map<string, Revision<T>>,
  key: string,
  revision: Revision<T>,
): boolean {
  if ((revisions.get(key)?.revision ?? 0) >= revision.revision) return false;
  revisions.set(key, revision);
  return true;
}
