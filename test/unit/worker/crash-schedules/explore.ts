import type { StoredCommand } from "../../../../libs/commands/messages/command.ts";
import { readObservationFields } from "../../../../libs/kato/wire-fields.ts";
import { stepsOf } from "../../../../services/worker/model/step.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { crashKinds, otherKinds } from "./faults.ts";
import { Random } from "./random.ts";
import { randomHistory } from "./random-history.ts";
import { Unprovable } from "./reference.ts";
import type { Schedule } from "./schedule.ts";
import { run } from "./schedule.ts";

/** About how many points a command passes. */
const pointsPerCommand = 14;

const places = [
  "Observe ticked",
  "Observe in-memory",
  "Observe emptied",
  "Observe vector-stored",
  "Observe model-written",
  "answer of Observe",
  "Learn emptied",
  "Learn model-written",
  "Learn symbol-written",
  "answer of Learn",
  "answer of GetModel",
  "answer of GetWorkingMemory",
  "answer of ClearAllMemory",
  "before a write",
  "after a write",
  "after find",
  "after delete",
  "after range",
];

/**
 * The schedule of a seed: a history and some faults in it. Some of the faults come right after one another.
 */
export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed);
  const history = randomHistory(random);
  const faults: Fault[] = [];
  let point = 0;
  // A command that has failed because MongoDB was away may succeed when it is replayed. Then the end is
  // another one. So a schedule has never both.
  const lacks = random.chance(0.5) ? "mongo" : "replay";
  const kinds = [...kindsFor(history), ...otherKinds].filter((kind) => kind !== lacks);
  const known = (): FaultKind => kinds[random.integer(kinds.length)] ?? "both";
  // Some faults come where the most can go wrong.
  for (let left = random.integer(4); left > 0; left--) {
    const at = places[random.integer(places.length)] ?? "";
    faults.push({ at, point: 1 + random.integer(random.chance(0.5) ? 2 : 8), kind: known() });
  }
  for (let left = 1 + random.integer(4); left > 0; left--) {
    const isNear = point > 0 && random.chance(0.6);
    point = isNear ? point + 1 + random.integer(12) : 1 + random.integer(history.length * pointsPerCommand);
    faults.push({ point, kind: known() });
  }
  return { seed, history, faults };
}

/**
 * The kinds of faults that a history may have. A Learn that fails because MongoDB is away may have stored its
 * vectors all the same. The reference does not model that, so such histories do without it.
 */
export function kindsFor(history: readonly StoredCommand[]): FaultKind[] {
  return crashKinds.filter((kind) => kind !== "mongo" || !history.some(hasVectors));
}

function hasVectors(command: StoredCommand): boolean {
  return stepsOf(command).some(
    ({ method, request }) => method === "Observe" && readObservationFields(request).hasVectors,
  );
}

/** The failure of a schedule; undefined if it has none. */
async function failureOf(schedule: Schedule): Promise<Error | undefined> {
  try {
    await run(schedule);
    return undefined;
  } catch (error) {
    if (error instanceof Unprovable) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * A smaller schedule that fails too. Faults and commands are left out one at a time, as long as it still
 * fails.
 */
async function shrink(schedule: Schedule): Promise<Schedule> {
  const { history, faults } = schedule;
  const smaller = [
    ...faults.map((fault) => ({ ...schedule, faults: faults.filter((other) => other !== fault) })),
    ...history.map((command) => ({ ...schedule, history: renumbered(history, command) })),
  ];
  for (const candidate of smaller) {
    if (await failureOf(candidate)) return shrink(candidate);
  }
  return schedule;
}

/** A history without a command. A log has no gaps, so the commands behind it move up. */
function renumbered(history: readonly StoredCommand[], without: StoredCommand): StoredCommand[] {
  return history
    .filter((command) => command !== without)
    .map((command, index) => ({ ...command, sequence: index + 1 }));
}

/** Runs `count` seeds from `first` on. Resolves to the first failure in words; undefined if there is none. */
export async function explore(first: number, count: number): Promise<string | undefined> {
  for (let seed = first; seed < first + count; seed++) {
    if (await failureOf(scheduleOf(seed))) return describe(await shrink(scheduleOf(seed)));
  }
  return undefined;
}

async function describe(schedule: Schedule): Promise<string> {
  const commands = schedule.history.map(
    ({ sequence, method, data }) =>
      `  ${sequence} ${method} ${JSON.stringify(Buffer.from(data).toString("latin1"))}`,
  );
  const story: string[] = [];
  const failure = await run(schedule, story).catch((error: Error) => error);
  return [
    `CHAOS_SEED=${schedule.seed} fails; what is left of it:`,
    ...commands,
    ...story.map((line) => `  ${line}`),
    failure instanceof Error
      ? `${failure.message}\n${failure.stack?.split("\n    at ").slice(1, 6).join("\n")}`
      : "it does not fail again",
  ].join("\n");
}
