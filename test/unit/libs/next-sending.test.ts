import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { nextSending } from "../../../libs/nats/next-sending.ts";

test("what is to be sent in neighbouring turns of the event loop is sent at the same moment, and later things later", async () => {
  const sent: string[] = [];
  const send = async (name: string) => {
    await nextSending();
    sent.push(name);
  };
  const first = send("first");
  await nextTurn();
  const second = send("second");
  assert.deepEqual(sent, [], "the first waits for others");
  await first;
  assert.deepEqual(sent, ["first", "second"], "both in one go, in order");
  await second;
  const third = send("third");
  await Promise.resolve();
  assert.deepEqual(sent, ["first", "second"], "what comes later waits anew");
  await third;
  assert.deepEqual(sent, ["first", "second", "third"]);
});
