import type { Reply } from "../../../libs/commands/messages/reply.ts";

const kept = 64;
const maxBytes = 65_536;

/**
 * The latest replies to synchronous commands. A gateway that did not receive one can ask for it again. Large
 * replies are left out.
 */
export class RecentReplies {
  readonly #replies = new Map<number, Reply>();

  add(reply: Reply): void {
    if (reply.data.length > maxBytes) return;
    this.#replies.set(reply.sequence, reply);
    const [oldest] = this.#replies.keys();
    if (this.#replies.size > kept && oldest !== undefined) this.#replies.delete(oldest);
  }

  clear(): void {
    this.#replies.clear();
  }

  get(sequence: number): Reply | undefined {
    return this.#replies.get(sequence);
  }
}
