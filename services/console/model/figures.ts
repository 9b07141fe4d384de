import type { Prediction } from "../../../libs/client/types/processor.ts";

/** The figures of a prediction by which a list can be sorted, each explained in a line (docs/kato.md, Predictions). */
export const figures = {
  potential:
    "How good it is all in all: (evidence + confidence) × snr + itfdf similarity + 1 / (fragmentation + 1).",
  similarity: "How much the model and working memory share, from 0 to 1.",
  evidence: "Which part of the whole model was observed, from 0 to 1.",
  confidence: "Which part of the model's present was observed, from 0 to 1.",
  snr: "Signal to noise: 1 without extra symbols, less with each of them.",
  fragmentation: "Into how many pieces the matches fall, less one. 0 is one unbroken run.",
  itfdf_similarity:
    "How alike the present and working memory are, rare symbols and frequent models counting more.",
  confluence: "How often the model was learned, and how unlikely its present would be by chance.",
  frequency: "How often the model was learned.",
  entropy: "How surprising the present's symbols are together, in bits.",
  hamiltonian: "How evenly the present's symbols are spread.",
  grand_hamiltonian: "How surprising the present's symbols are among all that is known.",
} as const satisfies Partial<Record<keyof Prediction, string>>;

export type Figure = keyof typeof figures;
export const figureNames = Object.keys(figures) as Figure[];

/** Which of the figures a text names; `potential` where it names none. */
export function figureOf(text: string | undefined): Figure {
  return figureNames.find((name) => name === text) ?? "potential";
}

/** How a figure's name is written for people. */
export const figureTitle = (figure: Figure): string => figure.replaceAll("_", " ");

/** The predictions with the highest of a figure first; fewest pieces first for fragmentation. */
export function sortedBy(figure: Figure, predictions: readonly Prediction[]): Prediction[] {
  const direction = figure === "fragmentation" ? 1 : -1;
  return predictions.toSorted((a, b) => direction * (a[figure] - b[figure]));
}
