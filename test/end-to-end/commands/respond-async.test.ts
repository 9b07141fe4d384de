import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer } from "../../fixtures/http-client.ts";
import { eventsOf, untilState } from "../../fixtures/processors.ts";
import type { SystemHere } from "../../fixtures/system-here.ts";
import { startSystemHere } from "../../fixtures/system-here.ts";
import { until } from "../../fixtures/until.ts";

const delayMs = 1_200;

let system: SystemHere;
before(async () => {
  system = await startSystemHere({
    processors: [{ id: "quick" }, { id: "slow" }],
    simulatorEnv: (id) => (id === "slow" ? { SIMULATOR_DELAY_MS: String(delayMs) } : {}),
  });
});
after(() => system?.stop());

const respondAsync = { prefer: "respond-async" };
const sendAsync = (path: string, body?: unknown) => system.request("POST", path, body, respondAsync);
const commandOf = (answer: Answer) => system.request("GET", String(answer.headers.location));
const untilEnded = (answer: Answer) =>
  until("it has ended", async () => {
    const { json } = await commandOf(answer);
    return json.state !== "queued" && json;
  });

test("a 202 names the command, and where it can be asked for", async () => {
  const answer = await sendAsync("/quick/observe", { strings: ["a"], unique_id: "mine" });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers["preference-applied"], "respond-async");
  const { command, sequence, state, id, status, unique_id } = answer.json;
  assert.deepEqual(
    { state, id, status, unique_id },
    { state: "queued", id: "quick", status: "okay", unique_id: "mine" },
  );
  assert.equal(answer.headers.location, `/quick/commands/${command}`);
  assert.equal(answer.headers["kato-command"], command);
  assert.equal(answer.headers["kato-sequence"], String(sequence));

  const ended = await untilEnded(answer);
  assert.equal(ended.state, "applied");
  assert.equal(ended.sequence, sequence);
  assert.deepEqual(ended.response, { status: "observed", auto_learned_model: "" });
});

test("the response is what the synchronous route answers", async () => {
  const messages = {
    "/quick/learn": /^MODEL\|/,
    "/quick/clear-working-memory": /^wm-cleared$/,
    "/quick/clear-all-memory": /^all-cleared$/,
  };
  await system.succeed("POST", "/quick/clear-working-memory");
  for (const text of ["a", "b"]) await system.succeed("POST", "/quick/observe", { strings: [text] });
  for (const [path, expected] of Object.entries(messages)) {
    assert.match(String((await untilEnded(await sendAsync(path))).response), expected);
  }
  assert.equal((await untilEnded(await sendAsync("/quick/learn"))).response, "", "nothing to learn");
  for (const [body, expected] of [
    [{ recall_threshold: 0.2 }, "genes-updated"],
    [{ data: { recall_threshold: 0.2 } }, "updated-genes"],
  ] as const) {
    assert.equal((await untilEnded(await sendAsync("/quick/genes/change", body))).response, expected);
  }
  const threshold = await untilEnded(
    await sendAsync("/quick/gene/increment-recall-threshold", { increment: 0.3 }),
  );
  assert.equal(threshold.response, 0.5);
});

test("the response of a command that failed is the synchronous route's problem", async () => {
  const answer = await system.request("DELETE", "/quick/model/nosuch", undefined, respondAsync);
  assert.equal(answer.status, 202);
  const { state, response } = await untilEnded(answer);
  assert.equal(state, "failed");
  const synchronous = (await system.request("DELETE", "/quick/model/nosuch")).json;
  const { status, title, effect, detail } = response as Record<string, unknown>;
  assert.equal(status, 404);
  assert.deepEqual(
    { title, detail, effect },
    { title: synchronous.title, detail: synchronous.detail, effect: "none" },
  );
});

test("a synchronous command that failed can be asked for too; an unknown one is a 404", async () => {
  const failed = await system.request("DELETE", "/quick/model/nosuch");
  const { status, json } = await system.request("GET", `/quick/commands/${failed.json.command}`);
  assert.deepEqual([status, json.state], [200, "failed"]);
  for (const unknown of ["nosuch", "no.such", "a b", "%2A", "*", ">"]) {
    const answer = await system.request("GET", `/quick/commands/${encodeURIComponent(unknown)}`);
    assert.equal(answer.status, 404, unknown);
  }
  assert.equal((await system.request("GET", `/nobody/commands/x`)).status, 404);
});

test("a command that its client gave up is known afterwards, and a queued one waits its turn", async () => {
  await system.succeed("POST", "/slow/observe", { strings: ["first"] });
  const given = await system.request(
    "POST",
    "/slow/observe",
    { strings: ["given up"] },
    { prefer: "wait=1" },
  );
  assert.deepEqual([given.status, given.json.effect], [504, "unknown"]);
  assert.ok(String(given.json.detail).includes(`/slow/commands/${given.json.command}`));
  const path = `/slow/commands/${given.json.command}`;
  await until("it is applied", async () => (await system.request("GET", path)).json.state === "applied");
  const { json } = await system.request("GET", path);
  assert.deepEqual(json.response, { status: "observed", auto_learned_model: "" });

  const queued = await sendAsync("/slow/observe", { strings: ["queued"] });
  assert.equal((await commandOf(queued)).json.state, "queued");
  assert.equal((await untilEnded(queued)).state, "applied");
});

test("a command that was not started in time is told to have expired", async () => {
  const busy = await sendAsync("/slow/observe", { strings: ["busy"] });
  const late = await system.request("POST", "/slow/observe", { strings: ["late"] }, { prefer: "wait=0" });
  assert.deepEqual([late.status, late.json.effect], [504, "none"]);
  await untilEnded(busy);
  const path = `/slow/commands/${late.json.command}`;
  await until("it has expired", async () => (await system.request("GET", path)).json.state === "expired");
});

test("without its instance a processor takes commands for later, in order; without NATS it does not", async () => {
  await system.simulator.stop();
  await untilState(system.request, "quick", "down");
  const answers: Answer[] = [];
  for (const text of ["x", "y", "z"]) answers.push(await sendAsync("/quick/observe", { strings: [text] }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [202, 202, 202],
  );
  assert.equal((await system.request("POST", "/quick/observe", { strings: ["now"] })).status, 503);
  await system.worker.stop();
  answers.push(await sendAsync("/quick/observe", { strings: ["unowned"] }));
  await system.simulator.restart();
  await system.worker.restart();
  for (const answer of answers) assert.equal((await untilEnded(answer)).state, "applied");
  await until("it is usable", async () => (await system.request("GET", "/quick/ping")).status === 200);
  assert.deepEqual((await eventsOf(system.request, "quick")).slice(-4), ["x", "y", "z", "unowned"]);

  await system.nats.kill();
  await until("NATS is away", async () => (await system.request("GET", "/ready")).status === 503);
  const refused = await sendAsync("/quick/observe", { strings: ["nowhere"] });
  assert.deepEqual([refused.status, refused.json.effect], [503, "none"]);
  assert.equal((await commandOf(answers[0] as Answer)).status, 503);
  await system.nats.restart();
});
