import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";

let system: System;
before(async () => {
  system = await startSystem({ gatewayEnv: { PRINCIPAL_HEADER: "X-Forwarded-User" } });
});
after(() => system?.stop());

const as = (user: string, key?: string) => ({
  "x-forwarded-user": user,
  ...(key !== undefined && { "idempotency-key": key }),
});

test("the log says who has sent each command, of a bulk too", async () => {
  await system.request("POST", "/p1/observe", { strings: ["a"] }, as("ann"));
  await system.request("POST", "/p1/observations", { observations: [{ strings: ["b"] }] }, as("bob"));
  await system.request("POST", "/p1/observe", { strings: ["c"] });
  const { commands } = (await system.request("GET", "/processors/p1/log")).json as {
    commands: { sender: string }[];
  };
  const senders = commands.map(({ sender }) => sender);
  assert.deepEqual(senders.slice(0, 2), ["ann", "bob"]);
  assert.match(senders[2] ?? "", /127\.0\.0\.1$/);
});

test("an Idempotency-Key is its principal's own", async () => {
  const send = (user: string, strings: string[]) =>
    system.request("POST", "/p1/observe", { strings, unique_id: "same" }, as(user, "one"));
  const first = await send("ann", ["x"]);
  const other = await send("bob", ["y"]);
  const again = await send("ann", ["x"]);
  assert.deepEqual([first.status, other.status, again.status], [200, 200, 200]);
  assert.equal(other.headers["idempotency-replayed"], undefined);
  assert.equal(again.headers["idempotency-replayed"], "true");
  assert.equal(again.headers["kato-sequence"], first.headers["kato-sequence"]);
  assert.notEqual(other.headers["kato-sequence"], first.headers["kato-sequence"]);
});
