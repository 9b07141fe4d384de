import { createHash } from "node:crypto";
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
import type { Schedule } from "./schedule.ts";
import { runTold } from "./schedule.ts";
import type { World } from "./world.ts";

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

/** Runs a history with these faults. Throws if it does not end as it does without faults. */
export async function withFaults(written: Written[], faults: Fault[], seed = 1): Promise<number> {
  return (await runExactly({ seed, history: historyOf(written), faults }))?.points ?? 0;
}

/**
 * Runs a history with a fault of each kind at each point, with another seed at each. If `then` is given, that
 * fault follows so many points later.
 */
export async function withFaultAnywhere(
  history: StoredCommand[],
  kinds: FaultKind[],
  then: { kind: FaultKind; later: number } | undefined = undefined,
): Promise<number> {
  const points = (await runExactly({ seed: 1, history, faults: [] }))?.points ?? 0;
  for (let point = 1; point <= points; point++) {
    for (const kind of kinds) {
      const next = then ? [{ point: point + then.later, kind: then.kind }] : [];
      await runExactly({ seed: point, history, faults: [{ point, kind }, ...next] });
    }
  }
  return points;
}

/** Resolves to undefined where nobody can say what the end should be. */
async function runExactly(schedule: Schedule): Promise<Awaited<ReturnType<typeof runTold>> | undefined> {
  const story: string[] = [];
  try {
    return await runTold({ ...schedule, isExact: true }, story);
  } catch (error) {
    if (error instanceof Unprovable) return undefined;
    throw new Error(`${story.join("\n")}\n${(error as Error).message}`, { cause: error });
  }
}

/** How far behind the first fault a second one is tried. RECOVERY_SCHEDULES asks for the long form. */
const nearby = process.env.RECOVERY_SCHEDULES ? 4 : 2;

/** Which faults `withEveryFault` tries. */
interface Tried {
  /** The kinds of the first fault; all that a history may have unless they are given. */
  first?: FaultKind[];
  /** The kinds of the second fault; none unless they are given. */
  again?: FaultKind[];
  /** How many points behind the first fault the second one is tried. */
  within?: number;
  /** Whether the instance is new to the gateway, so that faults meet its adoption too. */
  isNew?: boolean;
}

/**
 * Runs a history with each fault at each point after the processor is open. Then repeats each of these runs with a
 * second fault: each kind of `again`, up to `within` points later.
 *
 * Two faults often come to the same, for example that the instance dies before a write or after it. If two
 * runs agree from some point on, in all that is asked, answered, stored and told, then a second fault there
 * comes to the same, too. So only one of these is run.
 */
export async function withEveryFault(
  written: Written[],
  { first: kinds, again = [], within = nearby, isNew = false }: Tried = {},
): Promise<void> {
  const history = historyOf(written);
  const nothing = { seed: 1, history: [], faults: [] };
  const start = isNew ? undefined : (await runExactly(nothing))?.world.start;
  const common = { seed: 1, history, start };
  const opened = isNew ? 1 : ((await runExactly({ ...nothing, start }))?.points ?? 1);
  const points = (await runExactly({ ...common, faults: [] }))?.points ?? 0;
  const tried = new Set<string>();
  for (let point = opened; point <= points; point++) {
    for (const kind of kinds ?? kindsFor(history)) {
      const first = { point, kind };
      const once = await runExactly({ ...common, faults: [first] });
      if (again.length === 0) continue;
      const trace = once?.world.trace ?? [];
      const told = once?.told();
      // A call that has lost its client goes on by itself, which shows nowhere.
      const isCutOff =
        (kind === "worker" || kind === "unseen") && isWithinCall(trace[point - 1]?.point ?? "");
      for (let second = point + 1; second <= point + within; second++) {
        const rest = isCutOff || told === undefined ? undefined : restOf(trace.slice(second - 1), told);
        if (rest !== undefined && tried.has(kind + rest)) continue;
        tried.add(kind + rest);
        for (const next of again) {
          await runExactly({ ...common, faults: [first, { point: second, kind: next }] });
        }
      }
    }
  }
}

/** A hash of all that happens at these points, the last of a run, and of all that was told, before them too. */
function restOf(points: World["trace"], told: string): string {
  const rest = points.map(({ point, happened }) => `${point}\n${happened.join("\n")}`);
  return createHash("sha1")
    .update([told, ...rest].join("\n"))
    .digest("base64");
}

/** Whether the instance has begun with a call at this point of a trace, and not ended it. */
function isWithinCall(point: string): boolean {
  return /^\d+ [A-Z]\w+ (?!begin)/.test(point);
}

function historyOf(written: Written[]): StoredCommand[] {
  return written.map(([method, data], index) => {
    return { id: `c${index}`, processor: "p1", sequence: index + 1, method, data };
  });
}
