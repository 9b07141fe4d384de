import type { Events, Prediction } from "../../../libs/client/types/processor.ts";
import type { Figure } from "./figures.ts";
import { sortedBy } from "./figures.ts";

/** Whether two values are the same, whatever they consist of. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The places at which two rows of events differ. */
export function differingEvents(left: Events, right: Events): Set<number> {
  const count = Math.max(left.length, right.length);
  const places = Array.from({ length: count }, (_, index) => index);
  return new Set(places.filter((index) => !isSame(left[index], right[index])));
}

/** One model as two processors predict it; a side is absent where it is not predicted. */
export interface ComparedPrediction {
  name: string;
  left: Prediction | undefined;
  right: Prediction | undefined;
  isSame: boolean;
}

/** The predictions of two processors by their models, in the order of a figure. */
export function comparePredictions(
  left: readonly Prediction[],
  right: readonly Prediction[],
  figure: Figure,
): ComparedPrediction[] {
  const [lefts, rights] = [left, right].map(
    (predictions) => new Map(predictions.map((prediction) => [prediction.name, prediction])),
  );
  const names = new Set(sortedBy(figure, [...left, ...right]).map(({ name }) => name));
  return [...names].map((name) => {
    const sides = { left: lefts?.get(name), right: rights?.get(name) };
    return { name, ...sides, isSame: isSame(sides.left, sides.right) };
  });
}

/** What two processors have in common and what not, in sentences. */
export function comparisonInWords(
  eventsThatDiffer: number,
  predictions: readonly ComparedPrediction[],
  genesThatDiffer: readonly string[],
): string {
  const differ = predictions.filter((each) => !each.isSame).length;
  const sentences = [
    eventsThatDiffer === 0
      ? "Working memory is the same."
      : `Working memory differs in ${eventsThatDiffer} ${eventsThatDiffer === 1 ? "event" : "events"}.`,
    predictions.length === 0
      ? "Neither predicts anything."
      : differ === 0
        ? "The predictions are the same."
        : `${differ} of ${predictions.length} predictions differ.`,
    genesThatDiffer.length === 0 ? "The genes are the same." : `Other genes: ${genesThatDiffer.join(", ")}.`,
  ];
  return sentences.join(" ");
}
