import assert from "node:assert/strict";
import type { Played } from "./log-truth.ts";
import type { RandomClient } from "./random-client.ts";

/**
 * Asserts that each answered command stands in the log once and in its place, and that none without effect
 * does.
 */
export function checkTold({ told }: RandomClient, { commands }: Played, about: string): void {
  const inLog = [...commands.values()].flatMap(({ uniqueIds }) => uniqueIds);
  assert.equal(new Set(inLog).size, inLog.length, `no observation stands in the log twice: ${about}`);
  let sequence = 0;
  for (const one of told) {
    if (one.uniqueId && one.effect !== "unknown") {
      assert.equal(inLog.includes(one.uniqueId), one.effect === "done", `${JSON.stringify(one)}: ${about}`);
    }
    if (one.effect !== "done") continue;
    assert.ok(one.sequence > sequence, `${JSON.stringify(one)} comes after ${sequence}: ${about}`);
    sequence = one.sequence;
    const command = commands.get(sequence);
    assert.ok(command, `${sequence} stands in the log: ${about}`);
    if (one.interval !== undefined)
      assert.equal(one.interval, command.interval, `${JSON.stringify(one)}: ${about}`);
  }
}
