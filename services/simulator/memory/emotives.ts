import type { Json } from "../../../libs/kato/json.ts";
import { setOwn } from "../../../libs/kato/json.ts";
import { Failure } from "../python/failure.ts";

/**
 * The emotives observed since the last Learn or clear, and their averages.
 *
 * Sums are kept, so that an observation costs no more the longer working memory is. One that is no number (NaN and the infinite
 * reach KATO as text) spoils every average until they are dropped (docs/kato.md, "RPC by RPC").
 */
export class Emotives {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  #spoilt: Failure | undefined;

  add(emotives: Readonly<Record<string, Json>>): void {
    for (const [name, value] of Object.entries(emotives)) {
      const known = this.#sums.get(name);
      if (typeof value !== "number") {
        const left = known ? "float" : "int";
        this.#spoilt ??= new Failure("TypeError", `unsupported operand type(s) for +: '${left}' and 'str'`);
      } else if (known) {
        known.sum += value;
        known.count++;
      } else {
        this.#sums.set(name, { sum: value, count: 1 });
      }
    }
  }

  /** The average of each emotive over the observations that had it; throws a Failure if any was no number. */
  average(): Record<string, number> {
    if (this.#spoilt) throw this.#spoilt;
    const averages: Record<string, number> = {};
    for (const [name, { sum, count }] of this.#sums) setOwn(averages, name, sum / count);
    return averages;
  }
}

/** The averages over a model's record of emotives. */
export function averageEmotives(record: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const emotives = new Emotives();
  for (const entry of record) emotives.add(entry);
  return emotives.average();
}
