import assert from "node:assert/strict";
import { cp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { linesOfTexts, ndjson, untilDone } from "../../fixtures/bulk.ts";
import type { Send } from "../../fixtures/http-client.ts";
import type { TestNatsServer } from "../../fixtures/nats-server.ts";
import type { TestProcess } from "../../fixtures/processes.ts";
import { startProgram } from "../../fixtures/processes.ts";
import { eventsOf, untilIdle, untilState, viewOf } from "../../fixtures/processors.ts";
import type { Service } from "../../fixtures/services.ts";
import { startSimulatorProcess } from "../../fixtures/services.ts";
import type { ServiceHere } from "../../fixtures/services-here.ts";
import type { System } from "../../fixtures/system.ts";
import { assembleSystem } from "../../fixtures/system.ts";
import { partsHere } from "../../fixtures/system-here.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

const folder = temporaryFolder({ after });
const inFolder = (name: string) => join(folder, name);
const processors = [{ id: "p1" }, { id: "p2" }, { id: "p3" }];
/** Where the instances keep their models, in place of MongoDB. */
const simulatorEnv = (id: string) => ({ SIMULATOR_DATA: inFolder(join("mongodb", id)) });

const parts = { ...partsHere, startSimulator: startSimulatorProcess };

let system: System<ServiceHere, ServiceHere, Service>;
before(async () => {
  system = await assembleSystem({ processors, simulatorEnv }, parts);
});
after(() => system?.stop());

function start(command: "backup" | "restore", name: string): TestProcess {
  const file = resolve(import.meta.dirname, `../../../scripts/${command}.ts`);
  const args = [file, inFolder(name)];
  const env = { NATS_URL: system.nats.url };
  return startProgram({ name: command, command: process.execPath, args, env });
}

/** Runs a command that has to succeed. Resolves to what it has printed. */
async function succeed(command: "backup" | "restore", name: string): Promise<string> {
  const started = start(command, name);
  assert.equal(await started.exited, "exit code 0", started.output());
  return started.output();
}

/** Runs a command that has to fail. Resolves to what it has printed. */
async function fail(command: "backup" | "restore", name: string): Promise<string> {
  const started = start(command, name);
  assert.equal(await started.exited, "exit code 1", started.output());
  return started.output();
}

/** Observes, learns and leaves something in working memory. Resolves to the model's name. */
async function teach({ succeed: send }: Pick<System, "succeed">, id: string): Promise<string> {
  await send("POST", `/${id}/genes/change`, { recall_threshold: 0.25 });
  for (const text of ["a", "b", "c"]) await send("POST", `/${id}/observe`, { strings: [text] });
  const { json } = await send("POST", `/${id}/learn`);
  await send("POST", `/${id}/observe`, { strings: ["a"], emotives: { joy: 1 } });
  await send("POST", `/${id}/observe`, { strings: ["b"] });
  return String(json.message);
}

/** What has to be equal before the backup and after the restore. */
async function memoryOf(send: Send, id: string, model: string) {
  const of = async (path: string) => (await send("GET", `/${id}/${path}`)).json.message;
  return {
    workingMemory: await of("working-memory"),
    predictions: await of("predictions"),
    model: await of(`model/${encodeURIComponent(model)}`),
    gene: await of("gene/recall_threshold"),
    percepts: await of("percept-data"),
  };
}

test("what was backed up while it ran is restored into an empty NATS", async () => {
  const send = system.request;
  const models = new Map<string, string>();
  for (const { id } of processors) models.set(id, await teach(system, id));
  const sendKey = () => system.request("POST", "/p1/observe", { strings: ["c"] }, { "idempotency-key": "k" });
  const keyed = await sendKey();
  await system.succeed("DELETE", "/p1/model/none", undefined, { prefer: "respond-async" });
  const bulk = await send("POST", "/p1/observations", linesOfTexts(["x", "y"]), ndjson);
  const ingestion = `/p1/ingestions/${bulk.json.ingestion}`;
  await untilDone(send, ingestion);
  // It stands still because a person wants it, with a command that waits.
  await system.succeed("POST", "/processors/p2/pause");
  await untilState(send, "p2", "paused");
  await system.succeed("POST", "/p2/observe", { strings: ["queued"] }, { prefer: "respond-async" });
  const memories = new Map<string, Awaited<ReturnType<typeof memoryOf>>>();
  for (const [id, model] of models) memories.set(id, await memoryOf(send, id, model));
  const counts = (await send("GET", ingestion)).json;

  // One observation after the other, all the while.
  const observeOnce = async (number: number) => {
    const key = { "idempotency-key": `t${number}` };
    const answer = await system.request("POST", "/p3/observe", { strings: [`t${number}`] }, key);
    assert.equal(answer.status, 200, answer.text);
  };
  const all: number[] = [];
  let isBackedUp = false;
  const observing = (async () => {
    for (let number = 0; !isBackedUp; number++) {
      all.push(number);
      await observeOnce(number);
    }
  })();
  const output = await succeed("backup", "backup");
  isBackedUp = true;
  await observing;
  const last = all.length;
  for (const number of [last, last + 1]) {
    all.push(number);
    await observeOnce(number);
  }
  assert.match(output, /backup: 3 of 3: p\d: /);
  assert.match(output, /p1: 11 commands up to 11, \d+ entries; was paused for \d+ ms/);
  const shown = (await send("GET", "/processors")).json.processors as { id: string; paused: boolean }[];
  assert.deepEqual(
    shown.map(({ id, paused }) => [id, paused]),
    [
      ["p1", false],
      ["p2", true],
      ["p3", false],
    ],
  );

  // The instances' own store, as of the same moment; that of p3 is lost.
  await cp(inFolder("mongodb"), inFolder("mongodb-backup"), { recursive: true });
  await system.succeed("POST", "/p1/observe", { strings: ["later"] });
  await system.succeed("POST", "/p1/learn");
  await system.stop();
  await rm(inFolder("mongodb"), { recursive: true });
  await rm(inFolder("mongodb-backup/p3"), { recursive: true });
  await cp(inFolder("mongodb-backup"), inFolder("mongodb"), { recursive: true });

  // A system of its own, so that its NATS is empty but for what is restored before the rest is started.
  const beforeServices = async (nats: TestNatsServer) => {
    system = { ...system, nats };
    await succeed("restore", "backup");
  };
  system = await assembleSystem({ processors, simulatorEnv, beforeServices }, parts);
  const again = system.request;
  for (const id of ["p1", "p2"]) {
    assert.deepEqual(await memoryOf(again, id, models.get(id) ?? ""), memories.get(id), id);
  }
  assert.equal((await viewOf(again, "p1")).degraded, undefined);
  const { json } = await sendKey();
  assert.deepEqual(json, keyed.json, "the key has its first answer");
  assert.deepEqual((await again("GET", ingestion)).json, counts);
  assert.match((await again("GET", "/processors/p1/dead-letters")).text, /"DeleteModel"/);

  await until("its command waits", async () => (await viewOf(again, "p2")).depth === 1);
  await again("POST", "/processors/p2/resume");
  await untilIdle(again, "p2");
  assert.deepEqual(await eventsOf(again, "p2"), ["a", "b", "queued"]);

  // Its instance has lost everything, and its clients do not know what was lost: they send all of it again.
  await again("POST", "/processors/p3/rebuild", { from: 1 });
  await untilIdle(again, "p3");
  const restored = await eventsOf(again, "p3");
  assert.ok(restored.length <= all.length, "some came after the backup");
  for (const number of all) await observeOnce(number);
  assert.deepEqual(await eventsOf(again, "p3"), ["a", "b", ...all.map((number) => `t${number}`)]);
  const model = `model/${encodeURIComponent(models.get("p3") ?? "")}`;
  assert.deepEqual((await again("GET", `/p3/${model}`)).json.message, memories.get("p3")?.model);
});

test("a restore refuses a NATS in which something is, and a backup that is damaged or not complete", async () => {
  assert.match(
    await fail("restore", "backup"),
    /^restore: NATS has \d+ streams of this system already \(.+\), and nothing is overwritten: stop all/m,
  );
  await cp(inFolder("backup"), inFolder("damaged"), { recursive: true });
  await writeFile(inFolder("damaged/p1/entries.ndjson"), "{}");
  assert.match(await fail("restore", "damaged"), /^restore: p1\/entries.ndjson is damaged: its checksum/m);
  await rm(inFolder("damaged/SHA256SUMS"));
  assert.match(await fail("restore", "damaged"), /^restore: .*damaged has no complete backup: SHA256SUMS/m);
  assert.match(await fail("backup", "backup"), /^backup: .*backup is not empty/m);
});

test("a backup that is stopped resumes what it has paused, and leaves a folder that cannot be restored", async () => {
  const send = system.request;
  const [instance] = system.simulators;
  // A command that does not end keeps the backup from going on.
  await instance?.kill("SIGSTOP");
  await system.succeed("POST", "/p1/observe", { strings: ["slow"] }, { prefer: "respond-async" });
  await until("it is begun", async () => (await viewOf(send, "p1")).state === "applying");
  const backup = start("backup", "stopped");
  await until("p1 is paused", async () => (await viewOf(send, "p1")).paused);
  await backup.kill("SIGTERM");
  assert.equal(await backup.exited, "exit code 1", backup.output());
  assert.match(backup.output(), /^backup: stopped; nothing is complete, and every processor is resumed$/m);
  for (const id of system.ids) assert.equal((await viewOf(send, id)).paused, false, id);
  await instance?.kill("SIGCONT");
  await untilIdle(send, "p1");
  assert.match(await fail("restore", "stopped"), /no complete backup/);
});

test("what a backup has left paused when it was killed is told, and can be resumed", async () => {
  const send = system.request;
  const [instance] = system.simulators;
  await instance?.kill("SIGSTOP");
  await system.succeed("POST", "/p1/observe", { strings: ["slow"] }, { prefer: "respond-async" });
  await until("it is begun", async () => (await viewOf(send, "p1")).state === "applying");
  const backup = start("backup", "killed");
  await until("p1 is paused", async () => (await viewOf(send, "p1")).paused);
  await backup.kill("SIGKILL");
  await instance?.kill("SIGCONT");
  await until("p1 stands still", async () => (await viewOf(send, "p1")).depth === 0);
  const { paused, paused_by } = await viewOf(send, "p1");
  assert.equal(paused, true);
  assert.match(paused_by ?? "", /^backup of 20/);

  const output = await succeed("backup", "after-killed");
  assert.match(
    output,
    /^backup: p1 was left paused by the backup of .+; POST \/processors\/p1\/resume resumes it$/m,
  );
  await system.succeed("POST", "/processors/p1/resume");
  await untilIdle(send, "p1");
  assert.equal((await viewOf(send, "p1")).paused_by, undefined);
});
