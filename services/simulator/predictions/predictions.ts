import type { JsonObject } from "../../../libs/kato/json.ts";
import { averageEmotives } from "../memory/emotives.ts";
import type { Knowledge } from "../memory/knowledge.ts";
import { round } from "../python/builtins.ts";
import { Failure } from "../python/failure.ts";
import type { Candidate } from "./candidates.ts";

/**
 * KATO rounds some figures to so many decimals. It does not round evidence, confidence, similarity and snr.
 */
const decimals = 12;

/**
 * The predictions that the candidates lead to, with the figures that docs/kato.md ("Predictions") defines.
 * They are sorted by potential, highest first, and cut to `limit`. `state` has the symbols of working memory.
 *
 * Throws a Failure for a torn model, that is, one whose symbols have no statistics (docs/recovery.md).
 */
export function predictionsOf(
  candidates: readonly Candidate[],
  state: readonly string[],
  knowledge: Knowledge,
  limit: number,
): JsonObject[] {
  if (candidates.length === 0) return [];
  const probabilities = probabilitiesOf(candidates, knowledge);
  const frequencySum = candidates.reduce((sum, { model }) => sum + model.frequency, 0);
  const stateCounts = countsOf(state);
  return candidates
    .map((candidate) => {
      const figures = figuresOf(candidate, stateCounts, probabilities, frequencySum, knowledge);
      return { ...contentOf(candidate), ...figures };
    })
    .sort((left, right) => right.potential - left.potential)
    .slice(0, Math.max(0, limit));
}

/**
 * The probability p(s) of each symbol that stands in the present of some candidate. KATO gives no probability
 * to any other symbol, and 0 counts for it.
 */
function probabilitiesOf(candidates: readonly Candidate[], knowledge: Knowledge): Map<string, number> {
  const probabilities = new Map<string, number>();
  const { memberships } = knowledge.totals;
  for (const { matches, missing } of candidates) {
    for (const symbol of [...matches, ...missing]) {
      if (probabilities.has(symbol)) continue;
      const members = knowledge.symbols.get(symbol);
      if (members === undefined) throw new Failure("KeyError", `'${symbol}'`);
      if (memberships === 0) throw new Failure("ZeroDivisionError", "division by zero");
      probabilities.set(symbol, members / memberships);
    }
  }
  return probabilities;
}

/** The fields of a prediction that are not figures of its quality. */
function contentOf({ model, matches, past, present, future, missing, extras, ...rest }: Candidate) {
  return {
    type: "prototypical",
    name: model.name,
    frequency: model.frequency,
    emotives: Array.isArray(model.emotives) ? averageEmotives(model.emotives) : {},
    matches,
    past,
    present,
    future,
    missing,
    extras,
    similarity: rest.similarity,
  };
}

function figuresOf(
  { model, blocks, matches, present, extras }: Candidate,
  stateCounts: ReadonlyMap<string, number>,
  probabilities: ReadonlyMap<string, number>,
  frequencySum: number,
  knowledge: Knowledge,
) {
  const symbols = present.flat();
  const counts = countsOf(symbols);
  const p = (symbol: string) => probabilities.get(symbol) ?? 0;
  const base = knowledge.symbols.size;

  const evidence = matches.length / model.flat.length;
  const confidence = matches.length / symbols.length;
  const snr = (2 * matches.length - extras.length) / (2 * matches.length + extras.length);
  const fragmentation = blocks.length - 1;
  const distance = cosineDistance(stateCounts, counts, p);
  const itfdf = round(1 - (distance * model.frequency) / frequencySum, decimals);
  const chanceOfAll = 10 ** sum(symbols.map((symbol) => Math.log10(p(symbol))));
  const shares = symbols.map((symbol) => (counts.get(symbol) ?? 0) / symbols.length);
  return {
    evidence,
    confidence,
    snr,
    fragmentation,
    itfdf_similarity: itfdf,
    entropy: round(sum(symbols.map((symbol) => entropyTerm(p(symbol), 2))), decimals),
    hamiltonian: round(sum(shares.map((share) => entropyTerm(share, base))), decimals),
    grand_hamiltonian: round(sum([...counts.keys()].map((symbol) => entropyTerm(p(symbol), base))), decimals),
    confluence: round((model.frequency / knowledge.totals.learned) * (1 - chanceOfAll), decimals),
    potential: round((evidence + confidence) * snr + itfdf + 1 / (fragmentation + 1), decimals),
  };
}

/** One summand of an entropy: -p · log p to that base; 0 where that is not defined. */
function entropyTerm(probability: number, base: number): number {
  return probability > 0 && base > 1 ? -probability * (Math.log(probability) / Math.log(base)) : 0;
}

/** The cosine distance of two bags of symbols, each symbol weighted with its probability. */
function cosineDistance(
  state: ReadonlyMap<string, number>,
  present: ReadonlyMap<string, number>,
  p: (symbol: string) => number,
): number {
  let [product, stateSquares, presentSquares] = [0, 0, 0];
  for (const symbol of new Set([...present.keys(), ...state.keys()])) {
    const left = p(symbol) * (state.get(symbol) ?? 0);
    const right = p(symbol) * (present.get(symbol) ?? 0);
    product += left * right;
    stateSquares += left * left;
    presentSquares += right * right;
  }
  return Math.abs(1 - product / Math.sqrt(stateSquares * presentSquares));
}

function countsOf(symbols: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  return counts;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
