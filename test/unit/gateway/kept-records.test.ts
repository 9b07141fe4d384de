import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { GatewayError } from "../../../libs/errors/gateway-error.ts";
import { KeptRecords } from "../../../services/gateway/fleet/kept-records.ts";
import { buildGatewayApp } from "../../fixtures/gateway-app.ts";

test("while as many records are kept as may be, a new one is refused", async () => {
  const records = new KeptRecords({ count: async () => 10 }, 10);
  // The first question has them counted.
  records.checkRoom("p1");
  await setImmediate();
  assert.throws(
    () => records.checkRoom("p1"),
    (error) => error instanceof GatewayError && error.code === "RECORDS_FULL" && error.status === 429,
  );
  const others = new KeptRecords({ count: async () => 9 }, 10);
  others.checkRoom("p1");
  await setImmediate();
  others.checkRoom("p1");
});

test("while NATS does not count them, nothing is refused because of records", async () => {
  const records = new KeptRecords({ count: () => Promise.reject(new Error("away")) }, 1);
  records.checkRoom("p1");
  await setImmediate();
  records.checkRoom("p1");
});

test("the id of a request tells nothing of the next one", async (t) => {
  const { send, close } = buildGatewayApp();
  t.after(close);
  const ids = new Set<string>();
  for (let count = 0; count < 100; count++) {
    const id = String((await send("GET", "/nothing")).json.request_id);
    assert.match(id, /^[A-Za-z0-9_-]{22}$/);
    // nuid keeps the first twelve.
    ids.add(id.slice(0, 6));
  }
  assert.ok(ids.size > 95);
});
