import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { createInbox } from "@nats-io/transport-node";
import type { Reply } from "./reply.ts";
import { replyOfMessage } from "./reply.ts";

/** A reply that somebody waits for. */
export interface ExpectedReply {
  /** Where it is to be sent. */
  subject: string;
  /** The reply, or undefined when `timeoutMs` have passed since `expect`. */
  reply: Promise<Reply | undefined>;
  /** Stops waiting: `reply` resolves to undefined. */
  abandon(): void;
}

/** One inbox per gateway, with a token per request (docs/architecture.md, The design). */
export class Replies {
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

  /** Begins to wait. The timer runs from now. */
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

  /** Ends every waiting with undefined. */
  close(): void {
    this.#subscription.unsubscribe();
    for (const settle of [...this.#waiting.values()]) settle(undefined);
  }
}
