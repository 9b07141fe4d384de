import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";

/** Who has inboxes of its own. Each is a user of NATS in deploy/nats. */
const inboxOwners = ["gateway", "worker", "backup", "restore"] as const;
export type InboxOwner = (typeof inboxOwners)[number];

/** Whether a user of NATS is one of these. */
export function isInboxOwner(user: string): user is InboxOwner {
  return inboxOwners.some((owner) => owner === user);
}

/**
 * What the inboxes of a service begin with. NATS's users may subscribe to their own only, so that none listens
 * to another's answers. It stands below `_INBOX`, where users with rights to `_INBOX.>` may subscribe too
 * (docs/decisions/0031).
 */
export const inboxPrefixOf = (owner: InboxOwner) => `_INBOX.${owner}`;

/** An answer that is waited for. */
export interface Expected<T> {
  /** The NATS subject to send it to. */
  subject: string;
  /** Resolves to the answer, or to undefined once `timeoutMs` have passed since `expect`. Never rejects. */
  answer: Promise<T | undefined>;
  /** Stops waiting: `answer` resolves to undefined. No effect after the answer. */
  abandon(): void;
}

/**
 * Publishes by `publish`, which is given the subject to answer to. Resolves to the answer, or to undefined once `timeoutMs`
 * have passed. Rejects with what `publish` throws.
 */
export async function answerTo<T>(
  inbox: Pick<Inbox<T>, "expect">,
  timeoutMs: number,
  publish: (reply: string) => void,
): Promise<T | undefined> {
  const expected = inbox.expect(timeoutMs);
  try {
    publish(expected.subject);
  } catch (error) {
    expected.abandon();
    throw error;
  }
  return expected.answer;
}

/**
 * Receives the answers to many requests by one subscription. The subject of each answer is the inbox and a token
 * for the request. The requests of nats.js are not used where there are many: each makes an error with a stack
 * trace when it succeeds.
 */
export class Inbox<T> {
  readonly #inbox: string;
  readonly #waiting = new Map<string, (answer: T | undefined) => void>();
  readonly #subscription: Subscription;
  #lastToken = 0;

  /**
   * `read` makes an answer of a message. It must not throw. `prefix` is NatsLink.inboxPrefix; `_INBOX` without.
   */
  constructor(connection: Pick<NatsConnection, "subscribe">, read: (message: Msg) => T, prefix?: string) {
    this.#inbox = createInbox(prefix);
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) return;
        this.#waiting.get(message.subject.slice(this.#inbox.length + 1))?.(read(message));
      },
    });
  }

  /** Begins to wait for an answer, for `timeoutMs` from now. */
  expect(timeoutMs: number): Expected<T> {
    const token = String(++this.#lastToken);
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const settle = (answer: T | undefined) => {
      clearTimeout(timer);
      this.#waiting.delete(token);
      resolve(answer);
    };
    const timer = setTimeout(settle, timeoutMs, undefined);
    this.#waiting.set(token, settle);
    return { subject: `${this.#inbox}.${token}`, answer: promise, abandon: () => settle(undefined) };
  }

  /** Stops receiving: every answer that is waited for resolves to undefined. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }
}
