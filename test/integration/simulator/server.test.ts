import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { CrashPoint } from "../../../services/simulator/crash-points.ts";
import { startSimulator } from "../../../services/simulator/server.ts";
import { KatoClient } from "../../fixtures/kato-client.ts";
import { runToEnd, startSimulatorProcess } from "../../fixtures/services.ts";
import { simulatorInProcess } from "../../fixtures/simulator.ts";
import { until } from "../../fixtures/until.ts";

const mebibyte = 1024 * 1024;

test("bytes that cannot be parsed are INTERNAL, and count as no Observe", async (t) => {
  const kato = await simulatorInProcess(t);
  await assert.rejects(kato.raw("Observe", Buffer.from([0x0a, 0xff])), { code: status.INTERNAL });
  assert.equal(await kato.interval(), 0);
});

test("a message over 4 MiB is RESOURCE_EXHAUSTED in both directions", async (t) => {
  const kato = await simulatorInProcess(t);
  const strings = ["x".repeat(3 * mebibyte)];
  assert.equal((await kato.observe({ strings })).status, "OKAY");
  await assert.rejects(kato.observe({ strings: [...strings, ...strings] }), {
    code: status.RESOURCE_EXHAUSTED,
  });
  assert.equal(await kato.interval(), 1);
  await kato.observe({ strings });
  await assert.rejects(kato.workingMemory(), { code: status.RESOURCE_EXHAUSTED });
});

test("Observes run one after the other, and a Learn does not wait for an Observe", async (t) => {
  const reached: CrashPoint[] = [];
  const ticked = Promise.withResolvers<void>();
  const kato = await simulatorInProcess(t, { delayMs: 300 }, (place) => {
    reached.push(place);
    if (place === "observe-after-tick") ticked.resolve();
  });
  const observes = [kato.observe({ strings: ["a"] }), kato.observe({ strings: ["b"] })];
  await ticked.promise;
  const learn = kato.call("Learn", {});
  await Promise.all([...observes, learn]);
  const oneObserve = ["observe-before-tick", "observe-after-tick", "observe-before-answer"];
  assert.deepEqual(
    reached.filter((place) => place.startsWith("observe")),
    [...oneObserve, ...oneObserve],
  );
  assert.ok(reached.indexOf("learn-after-clear") < reached.indexOf("observe-before-answer"));
});

test("a call that has begun is finished although its client has given up", async (t) => {
  const ticked = Promise.withResolvers<void>();
  const kato = await simulatorInProcess(t, { delayMs: 500 }, (place) => {
    if (place === "observe-after-tick") ticked.resolve();
  });
  const first = kato.observe({ strings: ["first"] });
  await ticked.promise;
  const second = kato.observe({ strings: ["second"] }, { deadline: Date.now() + 200 });
  await assert.rejects(second, { code: status.DEADLINE_EXCEEDED });
  await first;
  await kato.observe();
  assert.deepEqual(await kato.workingMemory(), [["first"], ["second"]]);
});

test("at most ten calls are under way, and a waiting call that its client gave up is not begun", async (t) => {
  let underWay = 0;
  const all = Promise.withResolvers<void>();
  const kato = await simulatorInProcess(t, { delayMs: 1_000 }, (place) => {
    if (place === "learn-after-clear" && ++underWay === 10) all.resolve();
  });
  const learns = Array.from({ length: 11 }, () => kato.call("Learn", {}));
  await all.promise;
  const observe = kato.observe({ strings: ["a"] }, { deadline: Date.now() + 200 });
  await assert.rejects(observe, { code: status.DEADLINE_EXCEEDED });
  assert.equal(underWay, 10);
  await Promise.all(learns);
  assert.equal(underWay, 11);
  assert.equal(await kato.interval(), 0);
});

test("a stop lets a call under way finish and takes no new one", async () => {
  const ticked = Promise.withResolvers<void>();
  const simulator = await startSimulator({ delayMs: 300 }, (place) => {
    if (place === "observe-after-tick") ticked.resolve();
  });
  const kato = new KatoClient(simulator.endpoint);
  const observe = kato.observe({ strings: ["a"] });
  await ticked.promise;
  const stopped = simulator.stop();
  assert.equal((await observe).status, "OKAY");
  await stopped;
  await assert.rejects(kato.call("Ping", {}), { code: status.UNAVAILABLE });
  kato.close();
});

test("an endpoint that is taken refuses the start", async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.stop());
  const port = Number(simulator.endpoint.split(":").at(-1));
  await assert.rejects(startSimulator({ port }), /EADDRINUSE|in use|bind/i);
});

test("the first line says what it listens on, and SIGTERM and SIGINT stop it with exit code 0", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const MANIFEST = '{"id": "p2", "name": "P2"}';
    const service = await startSimulatorProcess({ MANIFEST, LOG_LEVEL: "info" });
    t.after(() => service.kill());
    const line = await until("it says something", () => service.output().split("\n")[0] || undefined);
    const { msg, endpoint, processor } = JSON.parse(line);
    assert.deepEqual([msg, endpoint, processor], ["listening", `127.0.0.1:${service.port}`, "p2"]);
    const kato = new KatoClient(endpoint);
    assert.equal((await kato.call("GetName", {})).message, "P2");
    await service.kill(signal);
    assert.equal(await service.exited, "exit code 0");
    kato.close();
  }
});

test("a stop waits no longer than a second for calls under way", async () => {
  const ticked = Promise.withResolvers<void>();
  // The call takes longer than the test may.
  const simulator = await startSimulator({ delayMs: 600_000 }, (place) => {
    if (place === "observe-after-tick") ticked.resolve();
  });
  const kato = new KatoClient(simulator.endpoint);
  const observe = assert.rejects(kato.observe({ strings: ["a"] }));
  await ticked.promise;
  await simulator.stop();
  await observe;
  kato.close();
});

test("wrong settings stop the start with one line that names them all", async () => {
  const wrong = { PORT: "x", SIMULATOR_FAULT: "nowhere", MANIFEST: "{" };
  const { ended, output } = await runToEnd("simulator", wrong);
  assert.equal(ended, "exit code 1");
  assert.equal(output.split("\n").length, 1, output);
  for (const name of Object.keys(wrong)) assert.match(output, new RegExp(name));
});
