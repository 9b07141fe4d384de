import type { JetStreamAnswer, Published } from "./world.ts";

const refusal = (err_code: number, description: string) => ({ error: { err_code, description } });

/** A log as JetStream keeps it, for one of its messages after the other. */
export class SimulatedLog {
  /** The ids of its messages, by their place: the first has the sequence 1. */
  readonly ids: string[] = [];
  /** How many messages it takes. */
  limit = Number.POSITIVE_INFINITY;
  readonly #batches = new Map<string, string[]>();

  /** Takes a message. Returns the answer, if there is one. */
  take({ id, after, reply, headers }: Pick<Published, "id" | "after" | "reply" | "headers">) {
    const batch = headers.get("Nats-Batch-Id");
    const answer = batch === "" ? this.#store(id, after) : this.#takeOfBatch(batch, id, headers);
    return reply === "" ? undefined : answer;
  }

  /** Has lost all batches that are not stored, as after a restart. */
  restart(): void {
    this.#batches.clear();
  }

  #store(id: string, after: string): JetStreamAnswer {
    const known = this.ids.indexOf(id) + 1;
    if (known > 0) return { seq: known, duplicate: true };
    if (after !== "" && this.ids.at(-1) !== after) return refusal(10_070, "wrong last message id");
    if (this.ids.length >= this.limit) return refusal(10_077, "maximum messages exceeded");
    return { seq: this.ids.push(id) };
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
    if (staged.some((one) => this.ids.includes(one))) return refusal(10_201, "contains a duplicate");
    if (this.ids.length + staged.length > this.limit) return refusal(10_077, "maximum messages exceeded");
    return { seq: this.ids.push(...staged), batch, count: staged.length };
  }
}
