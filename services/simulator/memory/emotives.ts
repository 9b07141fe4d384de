import type { Json } from "../../../libs/kato/json.ts";
import { setOwnProperty } from "../../../libs/kato/json.ts";
import { Failure } from "../python/failure.ts";

/**
 * The emotives that were observed since the last Learn or clear, and their averages. Only sums and counts are
 * kept, so an observation costs the same however many there were before it.
 *
 * An emotive can be a text: NaN and Infinity reach KATO so. After one of these every average fails, until the
 * emotives are dropped (docs/kato.md, after "RPC by RPC").
 */
export class Emotives {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  #failure: Failure | undefined;

  /** Adds the emotives of one observation. */
  add(emotives: Readonly<Record<string, Json>>): void {
    for (const [name, value] of Object.entries(emotives)) {
      const known = this.#sums.get(name);
      if (typeof value !== "number") {
        const left = known ? "float" : "int";
        this.#failure ??= new Failure("TypeError", `unsupported operand type(s) for +: '${left}' and 'str'`);
      } else if (known) {
        known.sum += value;
        known.count++;
      } else {
        this.#sums.set(name, { sum: value, count: 1 });
      }
    }
  }

  /**
   * The average of each emotive over the observations that had it. Throws a Failure if any value was no
   * number.
   */
  average(): Record<string, number> {
    if (this.#failure) throw this.#failure;
    const averages: Record<string, number> = {};
    for (const [name, { sum, count }] of this.#sums) setOwnProperty(averages, name, sum / count);
    return averages;
  }
}

/** The average of each emotive over the Learns in a model's record that had it. */
export function averageEmotives(record: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const emotives = new Emotives();
  for (const entry of record) emotives.add(entry);
  return emotives.average();
}
