import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { DiscardPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";
import { answeredWithin } from "../../../libs/nats/answered-within.ts";
import { isStreamNotFound } from "../../../libs/nats/errors.ts";
import { readPage } from "../../../libs/nats/stored-messages.ts";

/** What the trail tells of: each is named by the route that does it. */
export type AuditedAction =
  | "processor.registered"
  | "processor.removed"
  | "processor.paused"
  | "processor.resumed"
  | "processor.rebuilt"
  | "processor.adopted"
  | "dead-letter.resent"
  | "dead-letter.discarded"
  | "key.made"
  | "key.rotated"
  | "key.revoked"
  | "login"
  | "refused";

/** One entry of the trail. It is stored in this form. */
export interface AuditEntry {
  /** ISO 8601, by the gateway's clock. */
  time: string;
  action: AuditedAction;
  /** "" on a gateway that asks nobody who they are. */
  principal: string;
  name: string;
  address: string;
  /** The request, as the gateway's log names it. */
  request: string;
  method: string;
  path: string;
  status: number;
  processor?: string;
  /** What was changed: for example the endpoint before and now. */
  detail?: Record<string, unknown>;
}

/** Processors' logs begin with `KATO_`, so none of them can have this name. */
export const auditStream = "KATO-AUDIT";
const auditSubject = "kato-audit.entries";
/** No bytes are put aside for them, which a small store would not have. */
const maxEntries = 200_000;
const dayMs = 86_400_000;
const storeTimeoutMs = 2_000;

/** Who has changed what besides commands, and who was refused, in a stream of its own. */
export class AuditTrail {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#stream = jetstream(connection);
    this.#manager = manager;
  }

  /**
   * Opens the trail, and creates its stream if it does not exist. An entry is kept for `days`, and the oldest goes
   * when there are 200,000.
   */
  static async open(
    connection: NatsConnection,
    { replicas, days }: { replicas: number; days: number },
  ): Promise<AuditTrail> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    try {
      await manager.streams.info(auditStream);
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
      await manager.streams.add({
        name: auditStream,
        subjects: [auditSubject],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        discard: DiscardPolicy.Old,
        max_age: nanos(days * dayMs),
        max_msgs: maxEntries,
        num_replicas: replicas,
      });
    }
    return new AuditTrail(connection, manager);
  }

  /** Resolves once JetStream has acknowledged the entry. Rejects if it does not in time. */
  async add(entry: AuditEntry): Promise<void> {
    await answeredWithin(this.#stream.publish(auditSubject, JSON.stringify(entry)), storeTimeoutMs);
  }

  /** Up to `limit` entries in the order of their sequences, from `from` on; without `from` the newest. */
  async list(from: number | undefined, limit: number): Promise<(AuditEntry & { sequence: number })[]> {
    const { state } = await this.#manager.streams.info(auditStream);
    const first = Math.max(from ?? state.last_seq - limit + 1, state.first_seq);
    if (first > state.last_seq) return [];
    const page = await readPage(this.#connection, auditStream, { from: first, limit });
    return page.map((message) => ({ sequence: message.seq, ...message.json<AuditEntry>() }));
  }
}
