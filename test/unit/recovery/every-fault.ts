import { encodeRequest } from "../../../libs/kato/codec.ts";
import { changeRecallThreshold, encodeRecallThresholdChange } from "../../../libs/kato/compound.ts";
import type { Json } from "../../../libs/kato/json.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import type { HistoryCommand } from "./history.ts";
import { run, Unprovable } from "./schedule.ts";
import type { Fault, FaultKind } from "./world.ts";
import { faultKinds } from "./world.ts";

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
  changeRecallThreshold,
  encodeRecallThresholdChange({ increment: 0.1 }),
];

/** Runs a history with these faults; throws where its end is not that of a run without. */
export async function withFaults(written: Written[], faults: Fault[]): Promise<number> {
  const history = written.map(([method, data], index): HistoryCommand => {
    return { id: `c${index}`, processor: "p1", sequence: index + 1, expires: false, method, data };
  });
  const story: string[] = [];
  try {
    return await run({ seed: 1, history, faults }, story);
  } catch (error) {
    if (error instanceof Unprovable) return 0;
    const about = faults.map(({ at, point, kind }) => `${kind} at ${at ? `"${at}", ` : ""}${point}`);
    throw new Error(`${about.join("; ")}\n${story.join("\n")}\n${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Runs a history with each fault at each point, and each of those with each of these some points later. */
export async function withEveryFault(
  written: Written[],
  again: FaultKind[] = [],
  within = 10,
): Promise<void> {
  const points = await withFaults(written, []);
  for (let point = 1; point <= points; point++) {
    for (const kind of faultKinds) {
      await withFaults(written, [{ point, kind }]);
      for (const second of again) {
        for (let later = 1; later <= within; later++) {
          await withFaults(written, [
            { point, kind },
            { point: point + later, kind: second },
          ]);
        }
      }
    }
  }
}
