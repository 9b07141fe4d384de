import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import { eventsOf } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";

let system: SystemHere;
let clients: Send[];
before(async () => {
  system = await startSystemHere({
    gateways: 2,
    processors: [{ id: "p1" }, { id: "p2" }, { id: "slow" }],
    simulatorEnv: (id) => (id === "slow" ? { SIMULATOR_DELAY_MS: "40" } : {}),
  });
  // Two to each gateway, each on connections of its own.
  clients = [...system.gateways, ...system.gateways].map(({ url }) => sendTo(url));
});
after(() => system?.stop());
beforeEach(async () => {
  for (const id of system.ids) await system.succeed("POST", `/${id}/clear-all-memory`);
});

interface Applied {
  text: string;
  sequence: number;
  interval: number;
}

/** Observes a text and says where it stands in the log. */
const observe = async (send: Send, id: string, text: string): Promise<Applied> => {
  const { status, headers, json } = await send("POST", `/${id}/observe`, { strings: [text] });
  assert.equal(status, 200, JSON.stringify(json));
  return { text, sequence: Number(headers["kato-sequence"]), interval: Number(json.interval) };
};
const events = (id: string) => eventsOf(system.request, id);
const bySequence = (applied: Applied[]) => applied.toSorted((a, b) => a.sequence - b.sequence);

test("working memory has the observations of all clients, in the order of the log (A2)", async () => {
  const perClient = 25;
  const ofEach = clients.flatMap((send, client) =>
    ["p1", "p2"].map(async (id) => {
      const applied: Applied[] = [];
      for (let count = 0; count < perClient; count++) {
        applied.push(await observe(send, id, `${id} client ${client} ${count}`));
      }
      return { id, applied };
    }),
  );
  const all = await Promise.all(ofEach);
  for (const id of ["p1", "p2"]) {
    const mine = all.filter((each) => each.id === id).map(({ applied }) => applied);
    for (const applied of mine) assert.deepEqual(bySequence(applied), applied, "a client's own order");
    const inOrder = bySequence(mine.flat());
    assert.deepEqual(
      await events(id),
      inOrder.map(({ text }) => text),
    );
    assert.equal(new Set(inOrder.map(({ sequence }) => sequence)).size, clients.length * perClient);
    const intervals = inOrder.map(({ interval }) => interval);
    assert.deepEqual(
      intervals,
      intervals.map((_, index) => index + 1),
      "each answer has its own interval",
    );
  }
});

test("observations that are sent at the same time are each applied once, in the order of the log (A2)", async () => {
  const applied = await Promise.all(
    Array.from({ length: 60 }, (_, index) =>
      observe(clients[index % clients.length] as Send, "p1", `at once ${index}`),
    ),
  );
  assert.deepEqual(
    await events("p1"),
    bySequence(applied).map(({ text }) => text),
  );
});

test("a Learn takes what stands before it in the log and nothing that stands after it (A2)", async () => {
  const learned: { sequence: number; name: string }[] = [];
  const learn = async (send: Send) => {
    const { headers, json } = await send("POST", "/p1/learn");
    learned.push({ sequence: Number(headers["kato-sequence"]), name: String(json.message) });
  };
  const observed = await Promise.all(
    clients.map(async (send, client) => {
      const applied: Applied[] = [];
      for (let count = 0; count < 12; count++) {
        applied.push(await observe(send, "p1", `client ${client} ${count}`));
        if (client === 0 && count % 4 === 3) await learn(send);
      }
      return applied;
    }),
  );
  const inOrder = bySequence(observed.flat());
  let from = 0;
  for (const { sequence, name } of learned) {
    const between = inOrder.filter((each) => each.sequence > from && each.sequence < sequence);
    const { json } = await system.request("GET", `/p1/model/${encodeURIComponent(name)}`);
    const { sequence: events } = json.message as { sequence: string[][] };
    assert.deepEqual(
      events.flat(),
      between.map(({ text }) => text),
    );
    from = sequence;
  }
  const rest = inOrder.filter(({ sequence }) => sequence > from);
  assert.deepEqual(
    await events("p1"),
    rest.map(({ text }) => text),
  );
});

test("queries are answered while commands wait, and show what has been applied so far", async () => {
  const waiting = Array.from({ length: 20 }, (_, index) =>
    observe(clients[0] as Send, "slow", String(index)),
  );
  const lengths: number[] = [];
  let done = false;
  const all = Promise.all(waiting).finally(() => {
    done = true;
  });
  while (!done) lengths.push((await events("slow")).length);
  assert.deepEqual(
    lengths,
    lengths.toSorted((a, b) => a - b),
    "a later query saw less",
  );
  assert.ok(lengths.filter((length) => length > 0 && length < 20).length >= 5, `${lengths}`);
  const applied = bySequence(await all);
  assert.deepEqual(
    await events("slow"),
    applied.map(({ text }) => text),
  );
});

test("a query that is sent after a command's answer sees its effect, through any gateway", async () => {
  for (let count = 1; count <= 10; count++) {
    await observe(clients[count % 2] as Send, "p1", String(count));
    const { json } = await (clients[(count + 1) % 2] as Send)("GET", "/p1/working-memory");
    assert.equal((json.message as string[][]).length, count);
  }
});
