import type { Envelope, Events, Prediction } from "../../../../libs/client/types/processor.ts";
import { get, isAborted, pathOf } from "../../base/api.ts";
import type { GeneNow } from "../../base/genes.ts";
import { loadGenes } from "../../base/genes.ts";

/** What of a processor is compared. */
export interface Side {
  id: string;
  events: Events;
  predictions: Prediction[];
  genes: GeneNow[];
  /** Why nothing is known of it. */
  error?: unknown;
}

/** Loads both sides. One that cannot be asked says why, and the other is shown. */
export const loadSides = (ids: readonly [string, string], signal: AbortSignal): Promise<[Side, Side]> =>
  Promise.all([loadSide(ids[0], signal), loadSide(ids[1], signal)]);

async function loadSide(id: string, signal: AbortSignal): Promise<Side> {
  try {
    const [{ message: events }, { message: predictions }, genes] = await Promise.all([
      get<Envelope<Events>>(pathOf(id, "working-memory"), signal),
      get<Envelope<Prediction[]>>(pathOf(id, "predictions"), signal),
      loadGenes(id, signal),
    ]);
    return { id, events, predictions, genes };
  } catch (error) {
    if (isAborted(error)) throw error;
    return { id, events: [], predictions: [], genes: [], error };
  }
}
