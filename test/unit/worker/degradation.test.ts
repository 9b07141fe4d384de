import assert from "node:assert/strict";
import { test } from "node:test";
import { degradedBy, degradedText } from "../../../services/worker/checkpoint/degradation.ts";

test("every reason for being degraded is told, with its latest detail and since when it is there", () => {
  const foreign = degradedBy([], "foreign-calls", "somebody else calls the instance: 1 time");
  const torn = degradedBy(foreign, "learn-torn", "a Learn was torn by a crash");
  assert.equal(degradedText(torn), "somebody else calls the instance: 1 time; a Learn was torn by a crash");
  const noticed = torn.map((one) => ({ ...one, since: 5 }));
  const again = degradedBy(noticed, "foreign-calls", "somebody else calls the instance: 2 times");
  assert.deepEqual(again, [
    { code: "learn-torn", since: 5, detail: "a Learn was torn by a crash" },
    { code: "foreign-calls", since: 5, detail: "somebody else calls the instance: 2 times" },
  ]);
});
