import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import type { Afterwards, Told } from "../fixtures/upgrade/afterwards.ts";
import { goOn } from "../fixtures/upgrade/afterwards.ts";
import type { StoredCheckpoint } from "../fixtures/upgrade/checkpoints.ts";
import { checkpointOf } from "../fixtures/upgrade/checkpoints.ts";
import type { ProcessorId } from "../fixtures/upgrade/system.ts";
import { DataSystem } from "../fixtures/upgrade/system.ts";

// The data folder of an older version (test/fixtures/upgrade/record.ts has made it) under the version that stands here. Every
// process was killed while it was at something, so nearly all that is ever persisted is in the folder.
//
// What ages is not asserted. Leases live for seconds, so they are gone. The deadlines of synchronous commands have passed. A log
// tells for a day that a command was applied, so that is taken for the same as telling nothing. The records of outcomes and
// ingestions would go after a day and a week: in this folder they were given no end, as checkpoints.ts says.
const root = resolve(import.meta.dirname, "../..");
const fixture = join(root, "test/fixtures/upgrade/c0c0f08");

let dir: string;
let told: Told;
/** What the older version has said when it was started on the folder. */
let expected: Afterwards;
let said: Afterwards;
const checkpoints = new Map<ProcessorId, StoredCheckpoint>();

before(async () => {
  ({ told, after: expected } = JSON.parse(await readFile(`${fixture}.json`, "utf8")));
  dir = await mkdtemp(join(tmpdir(), "kato-upgrade-"));
  execFileSync("tar", ["-xzf", `${fixture}.tar.gz`, "-C", dir]);
  const system = await DataSystem.open(root, dir);
  try {
    for (const id of ["declared", "paused", "filed", "registered"] as const) {
      checkpoints.set(id, await checkpointOf(system.natsUrl, id));
    }
    said = await goOn(system, told);
  } catch (error) {
    throw new Error(system.output(), { cause: error });
  } finally {
    await system.stop();
  }
});
after(() => rm(dir, { recursive: true, force: true }));

/** The same without the fields that `known` does not have: an answer may have new fields, and must have all that it had. */
function asKnown(value: unknown, known: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(known)) {
    return value.map((item, index) => asKnown(item, known[index]));
  }
  if (!isObject(value) || !isObject(known)) return value;
  const fields = Object.entries(value).filter(([name]) => name in known);
  return Object.fromEntries(fields.map(([name, inner]) => [name, asKnown(inner, known[name])]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const perhapsTorn = "KATO died in a Learn that took effect: symbol statistics may be a little off";

function assertSaidAsBefore(part: keyof Afterwards): void {
  assert.deepEqual(asKnown(said[part], expected[part]), expected[part]);
}

test("the folder was left in the middle of everything that this is about", () => {
  assert.partialDeepStrictEqual(checkpoints.get("declared"), {
    settings: { searchedThreshold: 0.3 },
    notBegun: [{}],
    vectorEvents: [{}, {}],
  });
  assert.partialDeepStrictEqual(checkpoints.get("paused"), { partCount: 2, rebuilding: { inPlace: false } });
  assert.partialDeepStrictEqual(checkpoints.get("filed"), { replaying: { through: 11 } });
  assert.partialDeepStrictEqual(checkpoints.get("registered"), { step: 2, mark: { kind: "learn" } });
  assert.match(String(checkpoints.get("registered")?.degraded), /torn/);
});

test("the processors are registered as they were, by the same sources, and paused or not", () => {
  assertSaidAsBefore("registered");
  assert.partialDeepStrictEqual(said.registered, {
    paused: { paused: true },
    filed: { source: "file", paused: false },
    registered: { source: "rest", endpoint: told.endpoint },
  });
});

test("what was queued is applied once and in order, behind what was applied before, and what was overdue is not (A2, A3)", () => {
  const { learn } = said.commands as Record<string, { response: string }>;
  const { models, view } = said.applied.declared;
  const learned = models[learn?.response.replace("MODEL|", "") ?? ""] as {
    sequence: string[][];
    frequency: number;
  };
  const [vectors, ...texts] = learned.sequence;
  assert.match(vectors?.join() ?? "", /^VECTOR\|\w{40},VECTOR\|\w{40}$/);
  const lines = Array.from({ length: 20 }, (_, index) => `line${index + 1}`);
  assert.deepEqual(texts.flat(), ["m", "n", ...lines, "queued", "s1", "s2"]);
  assert.equal(learned.frequency, 1);
  // The clients' `interval` goes on: 20 lines, one command under a key, two of a sequence, and one behind the Learn.
  assert.equal((view as { interval: number }).interval, told.interval + 24);
});

test("what each processor knows, was told and has failed at is what the older version would say", () => {
  assertSaidAsBefore("applied");
});

test("a paused processor goes on with what was queued when it is resumed", () => {
  assertSaidAsBefore("resumed");
  assertSaidAsBefore("latest");
  assert.equal((said.applied.paused.view as { depth: number }).depth, 3);
  assert.deepEqual(said.resumed.workingMemory, [["start"]]);
});

test("every command that nobody waited for has its record", () => {
  assertSaidAsBefore("commands");
});

test("what has an Idempotency-Key is answered as before; an ingestion that was cut off is stored to its end", () => {
  assertSaidAsBefore("again");
  const { keyed, bulk, cutAgain } = said.again as Record<string, { json: Record<string, unknown> }>;
  const { time_stamp, ...answered } = told.keyed;
  assert.deepEqual(keyed?.json, answered);
  assert.deepEqual(bulk?.json, told.bulk);
  assert.equal(cutAgain?.json.accepted, 10);
  assertSaidAsBefore("cut");
  assert.deepEqual(
    (said.cut.workingMemory as string[][]).flat(),
    Array.from({ length: 10 }, (_, index) => `cut${index + 1}`),
  );
});

test("a dead letter can be discarded, and what is learned next has the name that it always had", () => {
  assertSaidAsBefore("deadLettersLeft");
  assertSaidAsBefore("learned");
});

// While workers are replaced one after the other, an older one may take a processor over from a newer one.
test("the checkpoints are written in the form in which the older version reads them", () => {
  // The older version does not tell of a Learn that may be torn.
  const told = JSON.stringify(said.checkpoints).replace(`"degraded":"${perhapsTorn}"`, '"degraded":""');
  assert.deepEqual(asKnown(JSON.parse(told), expected.checkpoints), expected.checkpoints);
});
