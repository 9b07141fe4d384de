import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readWait } from "../../../services/gateway/http/headers.ts";

test("without a wait the default of 30 s counts, and nothing is told to have been applied", () => {
  for (const prefer of [
    undefined,
    "",
    [],
    "respond-async",
    "wait",
    "wait=",
    "wait=x",
    "wait=-1",
    "wait=1.5",
    "await=5",
  ]) {
    assert.deepEqual(readWait(prefer), { waitMs: 30_000 }, String(prefer));
  }
});

test("a wait is read wherever it stands", () => {
  for (const prefer of [
    "wait=5",
    " WAIT = 5 ",
    'wait="5"',
    "respond-async, wait=5",
    "wait=5, respond-async",
    "wait=5; foo=bar",
    ["handling=lenient", "wait=5"],
    "wait=x, wait=5",
    "wait=05",
  ]) {
    assert.deepEqual(readWait(prefer), { waitMs: 5_000, applied: "wait=5" }, String(prefer));
  }
});

test("of two waits the first counts", () => {
  assert.equal(readWait("wait=5, wait=6").waitMs, 5_000);
});

test("any number of seconds counts, those above 300 as 300", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 400n }), (seconds) => {
      const applied = seconds > 300n ? 300 : Number(seconds);
      assert.deepEqual(readWait(`wait=${seconds}`), { waitMs: applied * 1_000, applied: `wait=${applied}` });
    }),
  );
});

test("whatever is sent gives a time from 0 to 300 s, soon", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'wait=; ,"0123') })), (prefer) => {
      const { waitMs } = readWait(prefer);
      assert.ok(waitMs >= 0 && waitMs <= 300_000);
    }),
  );
  // With what looks back again and again it would take longer than a test may.
  assert.equal(readWait(`wait=${" ".repeat(5_000_000)}x`).applied, undefined);
});
