import { claimText, sessionKey, sessionText } from "./claims.ts";
import type { Footing, LeaseOptions } from "./lease.ts";
import { Lease } from "./lease.ts";

/** What a session is opened with. `replaces` is the revision of an earlier one that is over. */
export type SessionOptions = Pick<LeaseOptions, "bucket" | "worker" | "leaseMs" | "replaces" | "log">;

/**
 * What all leases of a worker rest on. It lives for LEASE_MS and is renewed three times in that time. So what is claimed
 * under it can be renewed seldom, and another worker may still take it as soon as the session is over.
 *
 * Once a session is lost it stays lost. The worker then opens another one and takes its leases anew.
 */
export class Session implements Footing {
  readonly #lease: Lease;
  readonly #followers: Set<() => void>;

  private constructor(lease: Lease, followers: Set<() => void>) {
    this.#lease = lease;
    this.#followers = followers;
  }

  /** Opens a session. Resolves to undefined if there is one of this worker's name, or if NATS does not answer. */
  static async open({ worker, leaseMs, ...options }: SessionOptions): Promise<Session | undefined> {
    const followers = new Set<() => void>();
    const lease = await Lease.take({
      ...{ ...options, worker, leaseMs },
      processor: sessionKey(worker),
      text: (epoch) => sessionText({ epoch, leaseMs }),
      onLost: () => {
        for (const onLost of followers) onLost();
      },
    });
    return lease && new Session(lease, followers);
  }

  get epoch(): number {
    return this.#lease.created;
  }

  /** What is written into a lease that rests on this session. */
  get claim(): string {
    return claimText(this.#lease.worker, this.epoch);
  }

  get held(): boolean {
    return this.#lease.held;
  }

  follow(onLost: () => void): () => void {
    this.#followers.add(onLost);
    return () => this.#followers.delete(onLost);
  }

  /** Ends it. To be called once nothing rests on it any more. */
  release(): Promise<void> {
    return this.#lease.release();
  }
}
