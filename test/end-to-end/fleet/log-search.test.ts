import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listenTo } from "../../fixtures/server-events.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

let system: SystemHere;
before(async () => {
  const PRINCIPAL_HEADER = "x-user";
  system = await startSystemHere({ gatewayEnv: { PRINCIPAL_HEADER }, headers: { "x-user": "ann" } });
});
after(() => system?.stop());

interface Page {
  commands: { sequence: number; method: string; time: string }[];
  next?: number;
}
const logOf = async (query: string) =>
  (await system.request("GET", `/processors/p1/log${query}`)).json as unknown as Page;
const sequencesOf = async (query: string) => (await logOf(query)).commands.map(({ sequence }) => sequence);

test("the log is searched by method, outcome, sender and time, and a page says where to go on", async () => {
  const observe = (text: string, headers = {}) =>
    system.request("POST", "/p1/observe", { strings: [text] }, headers);
  for (const text of ["a", "b", "c"]) assert.equal((await observe(text)).status, 200);
  assert.equal((await observe("d", { "x-user": "bob" })).status, 200);
  const learned = Number((await system.request("POST", "/p1/learn")).headers["kato-sequence"]);
  const failing = await system.request("DELETE", "/p1/model/none", undefined, { prefer: "respond-async" });
  const failed = Number(failing.json.sequence);
  await until("it has failed", async () => (await sequencesOf("?outcome=failed")).length === 1);

  assert.deepEqual(await sequencesOf("?method=Learn"), [learned]);
  assert.deepEqual(await sequencesOf("?sender=bob"), [4]);
  assert.deepEqual(await sequencesOf("?outcome=failed"), [failed]);
  assert.deepEqual(await sequencesOf("?method=Observe&sender=bob&outcome=failed"), []);
  const { commands } = await logOf("");
  assert.deepEqual(
    commands.map(({ sequence }) => sequence),
    [1, 2, 3, 4, learned, failed],
  );
  const third = commands[2]?.time ?? "";
  assert.deepEqual(await sequencesOf(`?since=${third}&until=${third}&method=Observe`), [3]);
  assert.deepEqual(await sequencesOf(`?until=${third}`), [1, 2, 3]);
  assert.deepEqual(await sequencesOf(`?from=2&since=2020-01-01&limit=1`), [2]);

  const first = await logOf("?method=Observe&limit=3");
  assert.deepEqual([first.commands.length, first.next], [3, 4]);
  assert.deepEqual(await sequencesOf(`?method=Observe&limit=3&from=${first.next}`), [4]);
  assert.equal((await logOf("?limit=6")).next, undefined);
  for (const query of ["?since=yesterday", "?outcome=lost", "?unknown=1"]) {
    assert.equal((await system.request("GET", `/processors/p1/log${query}`)).status, 422, query);
  }
});

test("one command, and one dead letter, is shown with what it asks for", async () => {
  const { json } = await system.request("GET", "/processors/p1/log/4");
  assert.deepEqual([json.method, json.sender, json.outcome], ["Observe", "bob", "applied"]);
  assert.deepEqual((json.request as { strings: string[] }).strings, ["d"]);
  assert.ok(Number(json.bytes) > 0);
  const observations = [{ strings: ["x"] }, { strings: ["y"] }];
  const sent = await system.request("POST", "/p1/observe-sequence", { observations, learn_at_end: true });
  const sequence = await system.request("GET", `/processors/p1/log/${sent.headers["kato-sequence"]}`);
  const steps = sequence.json.request as { method: string }[];
  assert.deepEqual(
    steps.map(({ method }) => method),
    ["Observe", "Observe", "Learn", "GetAllPredictions"],
  );
  const { dead_letters } = (await system.request("GET", "/processors/p1/dead-letters")).json as {
    dead_letters: { sequence: number }[];
  };
  const letter = (await system.request("GET", `/processors/p1/dead-letters/${dead_letters[0]?.sequence}`))
    .json;
  assert.deepEqual([letter.method, letter.request], ["DeleteModel", { name: "MODEL|none" }]);
  assert.equal((await system.request("GET", "/processors/p1/log/4711")).status, 404);
});

test("the log is followed: what comes is told, and once more when it has come to its end", async (t) => {
  const follow = async (query: string, headers = {}) => {
    const path = `/processors/p1/log/events${query}`;
    const listening = await listenTo(system.gateway.url, path, { "x-user": "ann", ...headers });
    t.after(() => listening.request.destroy());
    const told = () =>
      listening.events().flatMap(({ data }) => data.commands as { sequence: number; outcome: string }[]);
    return { ...listening, told: () => told().map(({ sequence, outcome }) => `${sequence} ${outcome}`) };
  };
  const untilTold = ({ told }: { told(): string[] }, all: string[]) =>
    until("it is told", () => {
      if (told().join() === all.join()) return true;
      throw new Error(told().join());
    });
  const [all, ofBob] = await Promise.all([follow(""), follow("?sender=bob&from=1")]);
  assert.equal(all.response.headers["content-type"], "text/event-stream");
  await untilTold(ofBob, ["4 applied"]);
  await system.request("POST", "/processors/p1/pause");
  await until("it is paused", async () => {
    return (await system.request("GET", "/processors/p1")).json.state === "paused";
  });
  const send = async (user: string) => {
    const headers = { prefer: "respond-async", "x-user": user };
    return (await system.request("POST", "/p1/observe", { strings: ["y"] }, headers)).json.sequence;
  };
  const [first, second] = [await send("ann"), await send("bob")];
  const queued = [`${first} queued`, `${second} queued`];
  await untilTold(all, queued);
  await system.request("POST", "/processors/p1/resume");
  const applied = [`${first} applied`, `${second} applied`];
  await until("both are told", () => applied.every((each) => all.told().includes(each)));
  await untilTold(ofBob, ["4 applied", `${second} queued`, `${second} applied`]);
  await until("it is seen to live", () => all.comments() > 0, 10_000);

  const latest = all.events().at(-1)?.id ?? "";
  assert.equal(latest, String(second));
  const again = await follow("", { "last-event-id": latest });
  await until("the latest are told again", () => again.told().at(-1) === `${second} applied`);
  const wrong = await system.request("GET", "/processors/p1/log/events?outcome=lost");
  assert.equal(wrong.status, 422);
});
