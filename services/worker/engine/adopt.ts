import { ask, dataOf, readableWorkingMemoryOf } from "../instance/questions.ts";
import { NotProvable } from "../model/interruptions.ts";
import type { Context } from "./context.ts";
import { degrade } from "./degrade.ts";

const genes = [
  "recall_threshold",
  "max_sequence_length",
  "persistence",
  "smoothness",
  "always_update_frequencies",
] as const;

/**
 * Adopts an instance of which there is no checkpoint, or of which the log cannot say any more what it has. It
 * asks the instance once what it has. The events that are already in its working memory are in no log, so they
 * cannot be restored after a restart. `reconcile` persists what this changes. Resolves to false if there is nothing to
 * adopt, and the instance is to be rebuilt. Throws NotProvable if it may have commands that the checkpoint does not know
 * of.
 */
export async function adopt(context: Context, interval: number): Promise<boolean> {
  const { checkpoint, instance, log } = context;
  if (await hasNothingToAdopt(context, interval)) return false;
  await checkNothingFollows(context, interval);
  tellWhatItHasMore(context, interval);
  const known: Record<string, number> = {};
  for (const gene of genes) {
    const value = await geneOf(instance, gene);
    // A gene that is a boolean was never set, because UpdateGenes makes every gene a number.
    if (typeof value === "number") known[gene] = value;
  }
  const predicting = Boolean(await dataOf(instance, "GetGene", { gene: "predict" }));
  const workingMemory = await readableWorkingMemoryOf(instance);
  if (!workingMemory) log.warn("working memory is too large to be counted");
  const events = workingMemory?.length ?? 0;
  const { current } = checkpoint;
  const settings = { ...current.settings, genes: known, predicting, predictedLast: predicting };
  // For clients the interval goes on counting, also if the instance has restarted meanwhile.
  const offset = current.offset + Math.max(0, current.interval - interval);
  const adopted = {
    interval,
    offset,
    events,
    settings,
    adopted: settings,
    adopting: false,
    ifRestarted: null,
    lostTicks: null,
  };
  checkpoint.update(adopted);
  log.info({ interval, events, genes: known }, "adopted the instance");
  return true;
}

/**
 * Checks that no command behind one that was lost while it was under way has ticked. If one has, nobody knows which
 * of the commands in the log the instance has.
 */
async function checkNothingFollows({ checkpoint, history }: Context, interval: number): Promise<void> {
  const { lostTicks, interval: expected, applied } = checkpoint.current;
  if (lostTicks === null || interval <= expected + lostTicks) return;
  for await (const _ of history.steps({ sequence: applied + 1, step: 0 }, Number.MAX_SAFE_INTEGER)) {
    throw new NotProvable(
      `command ${applied} is lost from the log, and nobody knows which of the later ones the instance has`,
    );
  }
}

/**
 * Whether the instance has restarted since the log has lost commands. Then it has nothing of what they did, and
 * is not adopted: it is rebuilt as after any restart, from what the log still has.
 */
async function hasNothingToAdopt({ checkpoint, log }: Context, interval: number): Promise<boolean> {
  const { ifRestarted, interval: expected } = checkpoint.current;
  if (!ifRestarted || interval >= expected) return false;
  log.warn({ interval, expected }, "the instance has restarted since the log has lost commands");
  await checkpoint.persist({ ...ifRestarted, ifRestarted: null, adopting: false });
  return true;
}

/**
 * Tells that the instance has observed what the checkpoint does not have, where the log cannot say any more what
 * that was. It may be some of the commands that are lost, so nobody can say that these were not applied.
 */
function tellWhatItHasMore(context: Context, interval: number): void {
  const { checkpoint } = context;
  const { ifRestarted, applied, interval: expected, unknownThrough, usedThrough } = checkpoint.current;
  const more = interval - expected;
  if (!ifRestarted || more <= 0 || context.memory.unaccounted < more) return;
  const detail = `the instance was adopted as it was, with ${more} observations that the log does not have any more`;
  degrade(context, "adopted", detail);
  checkpoint.update({ unknownThrough: Math.max(unknownThrough, applied + more, usedThrough) });
}

/** The value of a gene; undefined if this KATO fails to tell it. */
async function geneOf(instance: Context["instance"], gene: string) {
  const { response } = await ask(instance, "GetGene", { gene });
  return typeof response === "object" && response !== null && "data" in response ? response.data : undefined;
}
