import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import { nuid } from "@nats-io/transport-node";
import { gatewaySubject } from "../../../libs/commands/messages/subjects.ts";
import { isNoResponders } from "../../../libs/nats/errors.ts";

const timeoutMs = 500;

/**
 * Which requests under an Idempotency-Key this gateway is sending, and whether another gateway still is sending
 * one. NATS says at once when a gateway is not there any more. So what a gateway has left when it died does not
 * hold off the next sending of the request.
 */
export class KeysInHand {
  /** The name of this gateway, until it ends. */
  readonly gateway = nuid.next();
  readonly #connection: NatsConnection;
  readonly #attempts = new Set<string>();
  readonly #subscription: Subscription;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#subscription = connection.subscribe(gatewaySubject(this.gateway), {
      callback: (error, message) => {
        if (!error) message.respond(this.#attempts.has(message.string()) ? "sending" : "done");
      },
    });
  }

  /** Does a task that sends a request. `attempt` is unique for each sending. */
  async whileSending<T>(attempt: string, task: () => Promise<T>): Promise<T> {
    this.#attempts.add(attempt);
    try {
      return await task();
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  /** Whether a gateway may still be sending this. It may, if it does not answer and NATS has its connection. */
  async maySend(gateway: string, attempt: string): Promise<boolean> {
    if (gateway === this.gateway) return this.#attempts.has(attempt);
    try {
      const answer = await this.#connection.request(gatewaySubject(gateway), attempt, { timeout: timeoutMs });
      return answer.string() !== "done";
    } catch (error) {
      return !isNoResponders(error);
    }
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}
