import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import type { Reply } from "../messages/reply.ts";
import { replyOfMessage } from "../messages/reply.ts";

/** A reply that is waited for. */
export interface ExpectedReply {
  /** The NATS subject to send it to. */
  subject: string;
  /** Resolves to the reply, or to undefined once `timeoutMs` have passed since `expect`. Never rejects. */
  reply: Promise<Reply | undefined>;
  /** Stops waiting: `reply` resolves to undefined. No effect after the reply. */
  abandon(): void;
}

/**
 * Receives the replies to one gateway's requests. There is one subscription for all of them: the subject of
 * each reply is the gateway's inbox and a token for the request (docs/architecture.md, "The design").
 */
export class ReplyInbox {
  readonly #inbox = createInbox();
  readonly #waiting = new Map<string, (reply: Reply | undefined) => void>();
  readonly #subscription: Subscription;
  #lastToken = 0;

  constructor(connection: NatsConnection) {
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error) return;
        this.#waiting.get(message.subject.slice(this.#inbox.length + 1))?.(replyOfMessage(message));
      },
    });
  }

  /** Begins to wait for a reply, for `timeoutMs` from now. */
  expect(timeoutMs: number): ExpectedReply {
    const token = String(++this.#lastToken);
    const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
    const settle = (reply: Reply | undefined) => {
      clearTimeout(timer);
      this.#waiting.delete(token);
      resolve(reply);
    };
    const timer = setTimeout(settle, timeoutMs, undefined);
    this.#waiting.set(token, settle);
    return { subject: `${this.#inbox}.${token}`, reply: promise, abandon: () => settle(undefined) };
  }

  /** Stops receiving: every reply that is waited for resolves to undefined. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }
}
