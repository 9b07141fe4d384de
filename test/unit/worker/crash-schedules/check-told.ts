import assert from "node:assert/strict";
import type { IngestionCounts } from "../../../../libs/commands/outcomes/ingestion-store.ts";
import type { StepOutcome } from "../../../../services/worker/model/step-outcome.ts";
import type { Concluded } from "./schedule.ts";
import type { World } from "./world.ts";

/**
 * Checks what was concluded and told: each step once in a life, nothing of what was told is contradicted
 * later, whoever was told that a command will not be started was told the truth, and of an idempotency key
 * one command was applied.
 */
export function checkTold(
  concluded: readonly Concluded[],
  world: World,
  cancelled: ReadonlyMap<number, string>,
): void {
  const first = concluded.filter(({ isReplayed }) => !isReplayed);
  checkOnce(concluded);
  const begun = new Set(concluded.map(({ step }) => step.at.sequence));
  for (const { sequence } of world.log) assert.ok(begun.has(sequence), `${sequence} was never concluded`);
  for (const [sequence, outcome] of cancelled) {
    if (outcome === "expired") assert.ok(!begun.has(sequence), `${sequence} was cancelled and then applied`);
  }
  for (const { subject, reply } of world.replies) {
    const isBegun = begun.has(reply.sequence);
    if (reply.outcome === "expired") assert.ok(!isBegun, `${subject} was told expired and then applied`);
    else if (!reply.detail.startsWith("another command")) checkReply(reply, first);
  }
  checkKeys(first);
  checkRecords(first, world);
}

/** A replay by hand takes back what was concluded behind it. */
function checkOnce(concluded: readonly Concluded[]): void {
  const seen = new Set<string>();
  for (const { step, life, isReplayed } of concluded) {
    if (isReplayed) seen.clear();
    const place = `${step.at.sequence}.${step.at.step} in life ${life}`;
    assert.ok(isReplayed || !seen.has(place), `${place} is told twice`);
    seen.add(place);
  }
}

/** An Observe has ticked whether it failed or not. What else was told must not end otherwise. */
function checkReply(reply: { sequence: number; outcome: string }, concluded: readonly Concluded[]): void {
  const last = concluded.findLast(({ step }) => step.at.sequence === reply.sequence);
  if (!last || last.step.at.step > 0 || !last.step.isLast || last.step.method === "Observe") return;
  const outcomes = [last.outcome.outcome, reply.outcome];
  const isSame = outcomes[0] === outcomes[1] || outcomes.includes("unknown");
  assert.ok(isSame, `${reply.sequence} was told ${reply.outcome}, then it was ${last.outcome.outcome}`);
}

function checkKeys(concluded: readonly Concluded[]): void {
  const byKey = new Map<string, number>();
  for (const { step } of concluded) {
    const { once, id, sequence } = step.command;
    if (!once) continue;
    const other = byKey.get(id) ?? sequence;
    assert.equal(sequence, other, `two commands of the key ${id} were applied`);
    byKey.set(id, sequence);
  }
}

/** What somebody will ask for is kept. */
function checkRecords(concluded: readonly Concluded[], { records }: World): void {
  const last = new Map(concluded.filter(({ step }) => step.isLast).map((one) => [one.step.command, one]));
  for (const [{ store, id, sequence }, { outcome, step }] of last) {
    if (!store) continue;
    const record = records.get(id)?.record;
    assert.equal(record?.sequence, sequence, `no record of ${sequence}`);
    if (step.at.step === 0 && step.method !== "Observe" && outcome.outcome !== "unknown") {
      assert.equal(record?.state, outcome.outcome, `the record of ${sequence}`);
    }
  }
}

/** The counts of an ingestion are those of its commands that were not left out. */
export function checkCounts(
  concluded: readonly Concluded[],
  ingestion: string,
  counts: IngestionCounts | undefined,
): void {
  const last = new Map<number, StepOutcome | undefined>();
  for (const { step, outcome } of concluded) {
    if (step.command.ingestion !== ingestion || step.command.method === "Learn") continue;
    if (step.isLast) last.set(step.at.sequence, outcome);
  }
  const { applied = 0, failed = 0, unknown = 0 } = counts ?? {};
  assert.equal(applied + failed + unknown, last.size, `${ingestion} counts each of its commands once`);
}
