/**
 * What the bucket of leases says, and how:
 *
 * | key | value | who writes it |
 * | --- | --- | --- |
 * | `<processor>` | the claim on it: `<worker>/<epoch>`; of an older worker `<worker>` | who takes it |
 * | `session.<worker>` | the session that its claims rest on: `<epoch> <leaseMs>` | the worker, and who ends it |
 * | `worker.<worker>` | what it was told to run | the worker |
 *
 * A session's epoch is the revision at which it was created. So a later session of the same worker has a higher one.
 */
const workerPrefix = "worker.";
const sessionPrefix = "session.";

export const workerKey = (worker: string) => workerPrefix + worker;
export const sessionKey = (worker: string) => sessionPrefix + worker;

/** What a key is of. Ids of processors have no dot. */
export function kindOf(key: string): "claim" | "session" | "worker" {
  if (key.startsWith(workerPrefix)) return "worker";
  return key.startsWith(sessionPrefix) ? "session" : "claim";
}

/** The worker of a key that is not of a claim. */
export const workerOfKey = (key: string) => key.slice(key.indexOf(".") + 1);

/** A claim on a processor. One without an epoch is an older worker's: it rests on nothing and is renewed by itself. */
export interface Claim {
  worker: string;
  epoch?: number;
}

export const claimText = (worker: string, epoch: number) => `${worker}/${epoch}`;

export function readClaim(text: string): Claim {
  const at = text.lastIndexOf("/");
  if (at < 0) return { worker: text };
  return { worker: text.slice(0, at), epoch: Number(text.slice(at + 1)) };
}

/** A session as it is stored. */
export interface StoredSession {
  epoch: number;
  /** How long its worker believes in it, at most, from when it has written it. */
  leaseMs: number;
}

/** `epoch` is 0 in the text that creates it, because only the answer to that says it. */
export const sessionText = ({ epoch, leaseMs }: StoredSession) => `${epoch} ${leaseMs}`;

export function readSession(text: string, revision: number): StoredSession {
  const [epoch = 0, leaseMs = 0] = text.split(" ").map(Number);
  return { epoch: epoch || revision, leaseMs };
}
