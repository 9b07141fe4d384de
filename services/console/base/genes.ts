import type { Envelope } from "../../../libs/client/types/processor.ts";
import { genes } from "../model/genes.ts";
import { get, pathOf } from "./api.ts";

export interface GeneNow {
  gene: string;
  now: string;
}

/** What each gene of a processor is now. */
export function loadGenes(id: string, signal: AbortSignal): Promise<GeneNow[]> {
  return Promise.all(
    Object.keys(genes).map(async (gene) => {
      const { message } = await get<Envelope<unknown>>(pathOf(id, "gene", gene), signal);
      return { gene, now: message === null ? "–" : String(message) };
    }),
  );
}
