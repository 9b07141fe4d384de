import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../../libs/kato/codec.ts";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
} from "../../../../libs/kato/compound-commands.ts";
import type { Json } from "../../../../libs/kato/json.ts";
import type { Method } from "../../../../libs/kato/rpcs.ts";
import { kindsFor } from "./explore.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { Unprovable } from "./reference.ts";
import { run } from "./schedule.ts";

/** One command of a written history. */
type Written = [method: string, request: Uint8Array];

let ids = 0;

export const observe = (
  strings: string[],
  more: { vectors?: Json[][]; emotives?: Record<string, number> } = {},
): Written => ["Observe", encodeRequest("Observe", { strings, ...more, unique_id: `o${++ids}` })];

export const command = (method: Method): Written => [method, new Uint8Array()];

export const autoLearnAt = (max_sequence_length: number): Written => [
  "UpdateGenes",
  encodeRequest("UpdateGenes", { genes: { max_sequence_length } }),
];

export const deleteModel = (name: string): Written => ["DeleteModel", encodeRequest("DeleteModel", { name })];

export const raiseThreshold: Written = [
  changeRecallThresholdMethod,
  encodeRecallThresholdChange({ increment: 0.1 }),
];

/** Runs a history with these faults; throws where its end is not that of a run without. */
export async function withFaults(written: Written[], faults: Fault[], seed = 1): Promise<number> {
  const story: string[] = [];
  try {
    return await run({ seed, history: historyOf(written), faults, isExact: true }, story);
  } catch (error) {
    if (error instanceof Unprovable) return 0;
    throw new Error(`${story.join("\n")}\n${(error as Error).message}`, { cause: error });
  }
}

/**
 * Runs a history with each fault at each point beyond the adoption, and each of those with each of these some
 * points later.
 */
export async function withEveryFault(written: Written[], again: FaultKind[] = [], within = 4): Promise<void> {
  const first = await withFaults([], []);
  const points = await withFaults(written, []);
  const kinds = kindsFor(historyOf(written));
  for (let point = first; point <= points; point++) {
    for (const kind of kinds) {
      await withFaults(written, [{ point, kind }]);
      for (const second of again) {
        for (let later = 1; later <= within; later++) {
          const next = { point: point + later, kind: second };
          await withFaults(written, [{ point, kind }, next]);
        }
      }
    }
  }
}

function historyOf(written: Written[]): StoredCommand[] {
  return written.map(([method, data], index) => {
    return { id: `c${index}`, processor: "p1", sequence: index + 1, method, data };
  });
}
