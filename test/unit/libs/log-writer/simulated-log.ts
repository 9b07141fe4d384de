import type { JetStreamAnswer, Published } from "./world.ts";

const refusal = (err_code: number, description: string) => ({ error: { err_code, description } });

/** A log as JetStream keeps it, for one of its messages after the other. */
export class SimulatedLog {
  /** The ids of its messages, by their place: the first has the sequence 1. */
  readonly ids: string[] = [];
  readonly #sequences = new Map<string, number>();
  /** How many messages it takes. */
  limit = Number.POSITIVE_INFINITY;
  readonly #batches = new Map<string, string[]>();

  /** Takes a message. Returns the answer, if there is one. */
  take({ id, after, reply, headers }: Pick<Published, "id" | "after" | "reply" | "headers">) {
    const batch = headers.get("Nats-Batch-Id");
    const answer = batch === "" ? this.#store(id, after) : this.#takeOfBatch(batch, id, headers);
    return reply === "" ? undefined : answer;
  }

  /** Stores a message of anybody. Returns its sequence. */
  push(id: string): number {
    const sequence = this.ids.push(id);
    this.#sequences.set(id, sequence);
    return sequence;
  }

  /** Has lost all batches that are not stored, as after a restart. */
  restart(): void {
    this.#batches.clear();
  }

  #store(id: string, after: string): JetStreamAnswer {
    const known = this.#sequences.get(id);
    if (known !== undefined) return { seq: known, duplicate: true };
    if (after !== "" && this.ids.at(-1) !== after) return refusal(10_070, "wrong last message id");
    if (this.ids.length >= this.limit) return refusal(10_077, "maximum messages exceeded");
    return { seq: this.push(id) };
  }

  #takeOfBatch(batch: string, id: string, headers: Published["headers"]): JetStreamAnswer | undefined {
    const place = Number(headers.get("Nats-Batch-Sequence"));
    const staged = this.#batches.get(batch) ?? [];
    if (place !== staged.length + 1) {
      this.#batches.delete(batch);
      return refusal(10_176, "atomic publish batch is incomplete");
    }
    staged.push(id);
    this.#batches.set(batch, staged);
    if (headers.get("Nats-Batch-Commit") === "") return undefined;
    this.#batches.delete(batch);
    if (staged.some((one) => this.#sequences.has(one))) return refusal(10_201, "contains a duplicate");
    if (this.ids.length + staged.length > this.limit) return refusal(10_077, "maximum messages exceeded");
    for (const one of staged) this.push(one);
    return { seq: this.ids.length, batch, count: staged.length };
  }
}
