import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { objectionTo } from "../../../scripts/mutate/source-copy.ts";
import { testsOf } from "../../../scripts/mutate/stages.ts";
import { mutations } from "../../mutations/all.ts";

const root = resolve(import.meta.dirname, "../../..");

test("what each mutation changes stands in its file, and once", () => {
  const objections = mutations.flatMap((mutation) => objectionTo(mutation) ?? []);
  assert.deepEqual(objections, []);
});

test("the unit tests that reach a file are found through all that they import", () => {
  const tests = testsOf("services/worker/assignment/lease.ts", 1, root);
  assert.ok(tests.includes("test/unit/worker/lease.test.ts"));
  assert.ok(!tests.includes("test/unit/worker/shares.test.ts"));
});
