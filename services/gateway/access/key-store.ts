import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { BucketView } from "../../../libs/nats/bucket-view.ts";
import type { ApiKey } from "./api-key.ts";
import { hashOf, isSameHash } from "./api-key.ts";
import type { Grants } from "./grants.ts";
import { grantsProblem } from "./grants.ts";

/** One secret of a key. */
export interface KeySecret {
  /** SHA-256 of the whole key, as base64url. */
  hash: string;
  created_at: string;
  /** When it ends although its key goes on; null if it does not. */
  expires_at: string | null;
}

/** What is kept of a key (bucket `kato-keys`). Times are ISO 8601. */
export interface KeyRecord {
  id: string;
  name: string;
  grants: Grants;
  created_at: string;
  /** The principal that has made it. */
  created_by: string;
  expires_at: string | null;
  /** To the hour, because it is written. */
  last_used_at: string | null;
  /** One, or two while the older one is being replaced. The newest comes first. */
  secrets: KeySecret[];
  /** Present in a login of a browser: the key that was exchanged for it. It ends with that key. */
  login_of?: string;
}

/** How many keys there may be, logins included. Each gateway holds them all in memory. */
export const maxKeys = 10_000;
const hourMs = 3_600_000;

/** Keys, as every gateway holds them in memory and any of them may change them. */
export class KeyStore {
  readonly #view: BucketView<KeyRecord>;
  /** The keys whose use is being written. */
  readonly #noting = new Set<string>();

  private constructor(view: BucketView<KeyRecord>) {
    this.#view = view;
  }

  /** Resolves once all keys are read. */
  static async open(bucket: KV, connection: NatsConnection): Promise<KeyStore> {
    return new KeyStore(await BucketView.open(bucket, connection, readRecord));
  }

  /** All keys, sorted by id. Logins are not among them. */
  list(): KeyRecord[] {
    return this.#view.list().filter(({ login_of }) => login_of === undefined);
  }

  /** Whether there are as many as there may be. */
  get isFull(): boolean {
    return this.#view.list().length >= maxKeys;
  }

  /** The key with this id; undefined if there is none. */
  get(id: string): KeyRecord | undefined {
    return this.#view.get(id);
  }

  /** For how long, in ms, NATS has not confirmed that these are the keys; 0 while it does. */
  get unconfirmedMs(): number {
    return this.#view.unconfirmedMs;
  }

  /** The record of a key that counts now; undefined if it is unknown, revoked or over. */
  find(key: ApiKey): KeyRecord | undefined {
    const record = this.#view.get(key.id);
    const now = Date.now();
    if (!record || isOver(record.expires_at, now)) return undefined;
    const hash = hashOf(key);
    const isOne = record.secrets.some(
      (secret) => isSameHash(secret.hash, hash) && !isOver(secret.expires_at, now),
    );
    return isOne ? record : undefined;
  }

  /** Stores a new key. Rejects if NATS does not take it. */
  async add(record: KeyRecord): Promise<void> {
    await this.#view.change(record.id, () => record);
  }

  /** Changes a key. Resolves to the key as it is now, undefined if there is none. */
  async change(id: string, change: (known: KeyRecord) => KeyRecord): Promise<KeyRecord | undefined> {
    const { after } = await this.#view.change(id, (known) => known && change(known));
    return after;
  }

  /** Removes a key, and what browsers have logged in with by it. Resolves to false if there was none. */
  async remove(id: string): Promise<boolean> {
    const { before } = await this.#view.change(id, () => undefined);
    const logins = this.#view.list().filter(({ login_of }) => login_of === id);
    await Promise.all(logins.map((login) => this.#view.change(login.id, () => undefined)));
    return before !== undefined;
  }

  /** Removes the logins that are over. */
  async removeOldLogins(): Promise<void> {
    const now = Date.now();
    const old = this.#view
      .list()
      .filter(({ login_of, expires_at }) => login_of !== undefined && isOver(expires_at, now));
    await Promise.all(old.map(({ id }) => this.#view.change(id, () => undefined)));
  }

  /** Takes note that a key is used, at most once an hour. Nothing depends on it, so it is not waited for. */
  noteUse({ id, last_used_at, login_of }: KeyRecord): void {
    const hour = new Date(Math.floor(Date.now() / hourMs) * hourMs).toISOString();
    if (last_used_at === hour || login_of !== undefined || this.#noting.has(id)) return;
    this.#noting.add(id);
    this.change(id, (known) => ({ ...known, last_used_at: hour }))
      .catch(() => {})
      .finally(() => this.#noting.delete(id));
  }
  close(): void {
    this.#view.close();
  }
}

function isOver(at: string | null, now: number): boolean {
  return at !== null && Date.parse(at) <= now;
}

/** The record that stands under an id. What cannot be read lets nobody in. */
function readRecord(id: string, value: unknown): KeyRecord | undefined {
  const record = value as KeyRecord;
  const isComplete = record.id === id && Array.isArray(record.secrets) && typeof record.name === "string";
  return isComplete && grantsProblem(record.grants) === undefined ? record : undefined;
}
