import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import { encodeRequest } from "../../../../libs/kato/codec.ts";
import {
  changeRecallThresholdMethod,
  encodeRecallThresholdChange,
  encodeSequence,
  sequenceMethod,
} from "../../../../libs/kato/compound-commands.ts";
import type { Observation } from "../../../../libs/kato/messages.ts";
import { modelName } from "../../../../libs/kato/model-name.ts";
import type { Random } from "./random.ts";

/** The time at which a schedule's clock starts (Unix ms). */
const startMs = 1_000_000;

interface Part {
  method: string;
  request: Uint8Array;
}

const empty = new Uint8Array();

/** A random history of a few commands, each Observe with a unique_id of its own. */
export function randomHistory(random: Random): StoredCommand[] {
  // Some histories are about one thing, so that it comes often enough with others.
  const taste = { vectors: random.chance(0.3), genes: random.chance(0.5), failures: random.chance(0.4) };
  let ids = 0;
  const observe = (): Part => {
    const observation: Observation = { unique_id: `o${ids++}` };
    const kind = random.integer(20);
    if (taste.failures && kind === 0) observation.vectors = [[1, 2]];
    else if (taste.vectors && kind < 7) observation.vectors = [[random.integer(9)]];
    if (kind < 3 || kind > 5) observation.strings = strings(random);
    if (random.chance(0.15)) observation.emotives = { joy: random.integer(4) };
    return { method: "Observe", request: encodeRequest("Observe", observation) };
  };
  const other = (): Part => {
    const kind = random.integer(20);
    if (kind < 8) return { method: "Learn", request: empty };
    if (kind < 9) return { method: "ClearAllMemory", request: empty };
    if (kind < 11) return { method: "ClearWorkingMemory", request: empty };
    if (kind < 12) return { method: "StartSleeping", request: empty };
    if (kind < 13) return { method: "StartPredicting", request: empty };
    if (kind < 14) return { method: "StopPredicting", request: empty };
    if (kind < 15) {
      const name = modelName([strings(random), strings(random)]);
      return { method: "DeleteModel", request: encodeRequest("DeleteModel", { name }) };
    }
    if (kind < 16) {
      return {
        method: changeRecallThresholdMethod,
        request: encodeRecallThresholdChange({ increment: 0.1 }),
      };
    }
    if (!taste.genes) return { method: "StopSleeping", request: empty };
    const genes = { max_sequence_length: random.integer(4) };
    return { method: "UpdateGenes", request: encodeRequest("UpdateGenes", { genes }) };
  };
  const part = () => (random.chance(0.68) ? observe() : other());
  return Array.from({ length: 3 + random.integer(10) }, (_, index) => {
    const base = { processor: "p1", sequence: index + 1, ...sentBy(random, index) };
    if (random.chance(0.06)) {
      const parts = [part(), part(), part()].filter(({ method }) => method !== changeRecallThresholdMethod);
      if (parts.length > 0) return { ...base, method: sequenceMethod, data: encodeSequence(parts) };
    }
    const { method, request } = part();
    return { ...base, method, data: request };
  });
}

/**
 * How a command was sent: by a client that waits until a time, for later, in bulk, or under a key that
 * another one has too.
 */
function sentBy(
  random: Random,
  index: number,
): Omit<StoredCommand, "processor" | "sequence" | "method" | "data"> {
  const id = `c${index + 1}`;
  const kind = random.integer(20);
  if (kind === 0) return { id, replyTo: id, deadlineMs: startMs - 1 };
  if (kind < 8) return { id, replyTo: id, deadlineMs: startMs + 60_000 * (1 + random.integer(20)) };
  if (kind < 10) return { id, ingestion: "i1" };
  if (kind < 12) return { id, store: true };
  if (kind < 14) {
    const once = { fingerprint: "f", attempt: `a${index}` };
    const deadlineMs = startMs + 60_000 * (1 + random.integer(20));
    return { id: `k${random.integer(2)}`, once, store: true, replyTo: id, deadlineMs };
  }
  return { id };
}

function strings(random: Random): string[] {
  const alphabet = ["a", "b", "c", "A"];
  return Array.from(
    { length: 1 + random.integer(2) },
    () => alphabet[random.integer(alphabet.length)] ?? "a",
  );
}
