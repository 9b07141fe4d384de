import { decodeRequest } from "../../libs/kato/codec.ts";
import type { JsonObject } from "../../libs/kato/json.ts";
import { modelName } from "../../libs/kato/model-name.ts";
import type { Call } from "./call.ts";
import { ask } from "./call.ts";

/**
 * Follows what KATO learns by itself, which no response says: with max_sequence_length n other than 0, working memory
 * is learned after every successful Observe that leaves n events or more in it (KATO.md, RPC by RPC).
 *
 * Invariant: `events` is the number of events in working memory, while n is not 0.
 */
export class AutoLearn {
  #maxSequenceLength = 0;
  #events = 0;

  /** Reads the gene and working memory from an instance that was just connected to. */
  async attach(call: Call): Promise<void> {
    const gene = await ask(call, "GetGene", { gene: "max_sequence_length" });
    this.#maxSequenceLength = Number((gene.response as JsonObject).data ?? 0);
    await this.countEvents(call);
  }

  /** Asks for the number of events, where it is of use. */
  async countEvents(call: Call): Promise<void> {
    if (this.#maxSequenceLength !== 0) this.#events = (await workingMemory(call)).length;
  }

  /** Takes note of an UpdateGenes that succeeded. */
  async genesUpdated(call: Call, request: Uint8Array): Promise<void> {
    const { genes = {} } = decodeRequest("UpdateGenes", Buffer.from(request));
    if (genes.max_sequence_length === undefined) return;
    this.#maxSequenceLength = genes.max_sequence_length;
    await this.countEvents(call);
  }

  /** Takes note of a command that emptied working memory. */
  workingMemoryReset(): void {
    this.#events = 0;
  }

  /** Takes note of an Observe that succeeded and set off nothing. */
  observed(hasSymbols: boolean): void {
    if (hasSymbols) this.#events++;
  }

  /** Whether an Observe that succeeds will make KATO learn. */
  isDue(hasSymbols: boolean): boolean {
    const n = this.#maxSequenceLength;
    return n !== 0 && this.#events + (hasSymbols ? 1 : 0) >= n;
  }

  /** The name of what an Observe that was due has made KATO learn, "" where that was nothing. */
  async learned(call: Call, before: string[][], request: Uint8Array, hasSymbols: boolean): Promise<string> {
    const after = await workingMemory(call);
    this.#events = after.length;
    if (!hasSymbols) return modelName(before);
    // KATO keeps the last event if there were two or more; a single one is gone, and cognition data still has its symbols.
    const newEvent = before.length > 0 ? after.at(-1) : await latestSymbols(call, request);
    return modelName([...before, newEvent ?? []]);
  }
}

/** Working memory, as events of symbols. */
export async function workingMemory(call: Call): Promise<string[][]> {
  return JSON.parse((await ask(call, "GetWorkingMemory", {})).message ?? "[]");
}

async function latestSymbols(call: Call, request: Uint8Array): Promise<string[]> {
  const { strings = [], vectors = [] } = decodeRequest("Observe", Buffer.from(request));
  if (vectors.length === 0) return strings.toSorted(byCodePoint);
  const cognition = await ask(call, "GetCognitionData", {});
  return (cognition.response as { symbols: string[] }).symbols;
}

/** KATO sorts as Python does, by code point; JavaScript's own order is by UTF-16 unit. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
