import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { CommandLogs } from "../../../libs/commands/log/command-logs.ts";
import type { System } from "../../fixtures/system.ts";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

let system: System;
before(async () => {
  system = await startSystem({ processors: [{ id: "p1" }, { id: "p2" }] });
});
after(() => system?.stop());

interface Letter {
  sequence: number;
  command: string;
  method: string;
  outcome: string;
  time: string;
  problem: Record<string, unknown>;
}
const lettersOf = async (id: string, query = "") =>
  (await system.request("GET", `/processors/${id}/dead-letters${query}`)).json as {
    dead_letters: Letter[];
    next?: number;
  };
const sequencesOf = async (id: string, query = "") =>
  (await lettersOf(id, query)).dead_letters.map(({ sequence }) => sequence);
const deleteAsync = async (id: string, model: string) => {
  const { json } = await system.request("DELETE", `/${id}/model/${model}`, undefined, {
    prefer: "respond-async",
  });
  return Number(json.sequence);
};
const untilApplied = async (id: string, sequence: number) => {
  const { status, text } = await system.request("GET", `/${id}/ping`, undefined, {
    "kato-after": String(sequence),
  });
  assert.equal(status, 200, text);
};

test("a command that failed and that nobody waited for is listed with its problem, and the log goes on", async () => {
  const [first, second] = [await deleteAsync("p1", "no1"), await deleteAsync("p1", "no2")];
  await untilApplied("p1", second);
  const { dead_letters: letters } = await lettersOf("p1");
  assert.deepEqual(
    letters.map(({ sequence }) => sequence),
    [first, second],
  );
  const [letter] = letters;
  assert.deepEqual([letter?.method, letter?.outcome, letter?.problem.status], ["DeleteModel", "failed", 404]);
  assert.ok(Math.abs(Date.parse(letter?.time ?? "") - Date.now()) < 60_000);
  assert.equal((await system.request("GET", `/p1/commands/${letter?.command}`)).json.state, "failed");
  assert.deepEqual(await sequencesOf("p2"), []);
  assert.equal((await system.request("POST", "/p1/observe", { strings: ["on"] })).status, 200);
});

test("a command that somebody waited for is not listed, nor is one that succeeds", async () => {
  const before = await sequencesOf("p2");
  await system.request("DELETE", "/p2/model/nosuch");
  const { json } = await system.request(
    "POST",
    "/p2/observe",
    { strings: ["a"] },
    { prefer: "respond-async" },
  );
  await untilApplied("p2", Number(json.sequence));
  assert.deepEqual(await sequencesOf("p2"), before);
});

test("the list has pages", async () => {
  const all = await sequencesOf("p1");
  assert.equal(all.length, 2);
  const first = await lettersOf("p1", "?limit=1");
  assert.equal(first.next, Number(all[0]) + 1);
  assert.deepEqual(await sequencesOf("p1", `?limit=1&from=${first.next}`), [all[1]]);
  assert.deepEqual(await sequencesOf("p1", `?from=${Number(all[1]) + 1}`), []);
  for (const wrong of ["?from=x", "?limit=-1", "?from=1.5"]) {
    assert.equal((await system.request("GET", `/processors/p1/dead-letters${wrong}`)).status, 422, wrong);
  }
});

test("a dead letter that is sent again is a new command, and leaves the list unless it fails again", async () => {
  const [first = 0] = await sequencesOf("p1");
  const { status, headers, json } = await system.request(
    "POST",
    `/processors/p1/dead-letters/${first}/resend`,
  );
  assert.equal(status, 202);
  assert.ok(Number(json.sequence) > first);
  await untilApplied("p1", Number(json.sequence));
  const sequences = await sequencesOf("p1");
  assert.ok(!sequences.includes(first) && sequences.includes(Number(json.sequence)));
  assert.equal((await system.request("GET", String(headers.location))).json.state, "failed");
});

test("a dead letter can be thrown away; one that is not there is a 404", async () => {
  for (const sequence of await sequencesOf("p1")) {
    assert.equal((await system.request("DELETE", `/processors/p1/dead-letters/${sequence}`)).status, 200);
  }
  assert.deepEqual(await sequencesOf("p1"), []);
  for (const [method, path] of [
    ["DELETE", "/processors/p1/dead-letters/1"],
    ["POST", "/processors/p1/dead-letters/999/resend"],
    ["GET", "/processors/nobody/dead-letters"],
  ] as const) {
    assert.equal((await system.request(method, path)).status, 404, path);
  }
});

test("a message in the log that is no command stops nothing and is listed", async () => {
  const connection = await connect({ servers: system.nats.url });
  try {
    const logs = await CommandLogs.open(connection, { replicas: 1, maxBytes: -1 });
    const nonsense = [
      { method: "Nonsense", data: new Uint8Array() },
      { method: "", data: Buffer.from([0xff, 0xff]) },
      { method: "Sequence", data: Buffer.from([0xff, 0xff, 0xff]) },
      { method: "Sequence", data: new Uint8Array() },
      { method: "Observe", data: Buffer.from([0xff, 0xff, 0xff]) },
      { method: "UpdateGenes", data: Buffer.from([0xff, 0xff, 0xff]) },
      { method: "ChangeRecallThreshold", data: Buffer.from([0xff, 0xff, 0xff]) },
    ];
    const sequences: number[] = [];
    for (const [index, command] of nonsense.entries()) {
      const stored = await logs.append({ ...command, processor: "p2", id: `nonsense-${index}` });
      sequences.push(stored.sequence);
    }
    await untilApplied("p2", sequences.at(-1) ?? 0);
    assert.equal((await system.request("POST", "/p2/observe", { strings: ["after"] })).status, 200);
    assert.deepEqual(await sequencesOf("p2"), sequences);
  } finally {
    await connection.close();
  }
});

test("a worker that is killed loses no dead letter and lists none twice", async () => {
  const sent: number[] = [];
  for (let index = 0; index < 60; index++) {
    sent.push(await deleteAsync("p1", `killed-${index}`));
    if (index % 20 === 10) {
      await system.worker.kill();
      await system.worker.restart();
    }
  }
  await until("all have failed", async () => (await sequencesOf("p1")).length === sent.length, 60_000);
  assert.deepEqual(
    (await sequencesOf("p1")).toSorted((a, b) => a - b),
    sent,
  );
});
