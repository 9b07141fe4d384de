import type { Reply } from "../../../libs/commands/messages/reply.ts";

const kept = 64;
const maxBytes = 65_536;

/**
 * The latest replies to synchronous commands, for whoever asks again because one did not arrive. Large ones
 * are left out.
 */
export class RecentReplies {
  readonly #replies = new Map<number, Reply>();

  add(reply: Reply): void {
    if (reply.data.length > maxBytes) return;
    this.#replies.set(reply.sequence, reply);
    const [oldest] = this.#replies.keys();
    if (this.#replies.size > kept && oldest !== undefined) this.#replies.delete(oldest);
  }

  get(sequence: number): Reply | undefined {
    return this.#replies.get(sequence);
  }
}
