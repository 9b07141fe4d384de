import { readableWorkingMemoryOf } from "../instance/questions.ts";
import { comparePositions } from "../model/position.ts";
import type { Context } from "./context.ts";

// Only KATO knows which symbols an event of vectors gets, and it tells them only with all of working memory.
// To ask for that after each event would cost the square of their number. So with a long working memory it is
// asked for once in a while, and the symbols of the events since are noted then.

/** With so many events or fewer KATO is asked after each event of vectors. */
const askedEach = 64;
/** Beyond that, once so many of the events wait to be asked for: an eighth of working memory. */
const waitingShare = 1 / 8;

/**
 * Whether the symbols of the event that an Observe of vectors has just made need not be asked for now. Where
 * a Learn may come unseen, of KATO itself or of a worker that was frozen, they are always asked for.
 */
export function mayAskLater({ checkpoint, memory }: Context): boolean {
  const { events, settings } = checkpoint.current;
  if (memory.suspect !== null || (settings.genes.max_sequence_length ?? 0) !== 0) return false;
  return events > askedEach && memory.unaskedVectors.length < waitingShare * events;
}

/** Notes that an event of vectors was made, and that its symbols are not known yet. */
export function askLater({ checkpoint, memory }: Context, at: { sequence: number; step: number }): void {
  const earlier = memory.unaskedVectors.filter((other) => comparePositions(other.at, at) < 0);
  memory.unaskedVectors = [...earlier, { at, index: checkpoint.current.events }];
}

/**
 * Takes the symbols of events of vectors from working memory, as KATO has told it. It has to be what the
 * checkpoint says, with `added` events behind it that the checkpoint does not have yet.
 */
export function noteVectorSymbols(
  { checkpoint, memory }: Context,
  workingMemory: readonly string[][],
  added = 0,
): void {
  const { events, replayFrom, applied, step, vectorEvents } = checkpoint.current;
  if (memory.unaskedVectors.length === 0 || workingMemory.length !== events + added) return;
  const next = { sequence: applied + 1, step };
  const found = memory.unaskedVectors.flatMap(({ at, index }) => {
    const isInMemory = comparePositions(at, replayFrom) >= 0 && comparePositions(at, next) < 0;
    const symbols = workingMemory[index];
    return isInMemory && symbols ? [{ at, symbols }] : [];
  });
  memory.unaskedVectors = [];
  checkpoint.update({ vectorEvents: [...vectorEvents, ...found] });
}

/** Asks for the symbols that are not known yet. They cannot be asked for once working memory is cleared. */
export async function askForVectorSymbols(context: Context): Promise<void> {
  const { instance, memory } = context;
  if (memory.unaskedVectors.length === 0) return;
  const workingMemory = await readableWorkingMemoryOf(instance);
  if (workingMemory) noteVectorSymbols(context, workingMemory);
}
