import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { KatoResponse } from "../../../libs/kato/messages.ts";
import type { Method } from "../../../libs/kato/rpcs.ts";
import { simulatorInProcess } from "../../fixtures/simulator.ts";

interface GoldenCall {
  rpc: Method;
  request: object;
  response: KatoResponse;
}

const golden: GoldenCall[] = readFileSync(new URL("../../fixtures/golden.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** The part that must be equal: everything but the time, and only the last line of a traceback. */
function comparable(response: KatoResponse): object {
  const { time_stamp, ...rest } = response;
  assert.equal(typeof time_stamp, "number");
  return rest.status === "OKAY"
    ? rest
    : { ...rest, message: rest.message?.replace(/\n+$/, "").split("\n").at(-1) };
}

test("the simulator answers each call of a session that was recorded with a real KATO as that did", async (t) => {
  const kato = await simulatorInProcess(t);
  assert.equal(golden.length, 103);
  for (const [at, { rpc, request, response }] of golden.entries()) {
    const answer = await kato.call(rpc, request as never);
    assert.deepEqual(comparable(answer), comparable(response), `call ${at + 1}, ${rpc}`);
  }
});
