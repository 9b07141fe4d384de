import type { Json } from "../../../libs/kato/json.ts";
import { dataOf } from "../instance/questions.ts";
import { byCodePoint } from "../model/memory-events.ts";
import type { Context } from "./context.ts";

/** What is known of a model: its events but the last, and of the last one its strings and one vector's name. */
export interface Likeness {
  before: string[][];
  strings: string[];
  /** Undefined if the vector is not known. Then no model is alike. */
  vector: string | undefined;
}

/**
 * The models that are like this, as their events. They are looked for among the present predictions. So working
 * memory has to be similar enough to them. Undefined if it cannot be told, because KATO may have found more
 * models than it gives.
 */
export async function modelsAlike(
  { instance }: Context,
  { before, strings, vector }: Likeness,
): Promise<string[][][] | undefined> {
  const limit = Number(await dataOf(instance, "GetGene", { gene: "max_predictions" }));
  const predictions = await dataOf(instance, "GetAllPredictions", {});
  if (!Array.isArray(predictions) || predictions.length >= limit || vector === undefined) return undefined;
  const end = strings.toSorted(byCodePoint);
  return predictions.map(eventsOf).filter((events) => {
    const last = events.at(-1) ?? [];
    const names = last.slice(0, last.length - end.length);
    return (
      isSame(events.slice(0, -1), before) &&
      isSame(last.slice(names.length), end) &&
      names.includes(vector) &&
      names.every((name) => name.startsWith("VECTOR|"))
    );
  });
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

/** All events of the model that a prediction is about. */
function eventsOf(prediction: Json): string[][] {
  if (typeof prediction !== "object" || prediction === null || Array.isArray(prediction)) return [];
  const { past, present, future } = prediction;
  return [past, present, future].flatMap((events) =>
    Array.isArray(events) ? events.map((event) => (Array.isArray(event) ? event.map(String) : [])) : [],
  );
}
