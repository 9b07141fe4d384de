import assert from "node:assert/strict";
import { test } from "node:test";
import { startSystem } from "../../fixtures/system.ts";
import { until } from "../../fixtures/until.ts";

test("a command whose time passes while its instance is given back what it lost is never applied", async (t) => {
  const system = await startSystem({ simulatorEnv: () => ({ SIMULATOR_DELAY_MS: "450" }) });
  t.after(() => system.stop());
  const observe = async (text: string, prefer: string) => {
    const { status, json } = await system.request("POST", "/p1/observe", { strings: [text] }, { prefer });
    return { status, effect: json.effect };
  };
  const untilState = (state: string) =>
    until(`it is ${state}`, async () => (await system.request("GET", "/processors/p1")).json.state === state);

  const events = ["1", "2", "3"];
  for (const text of events) assert.equal((await observe(text, "wait=20")).status, 200);
  await system.simulators[0]?.kill();
  await untilState("down");
  await system.simulators[0]?.restart();
  // The three observations again, 450 ms each, and one of them for as long as it takes.
  await untilState("rebuilding");
  await system.simulators[0]?.kill("SIGSTOP");
  assert.deepEqual(await observe("in vain", "wait=1"), { status: 504, effect: "none" });
  await system.simulators[0]?.kill("SIGCONT");
  await untilState("ready");
  assert.equal((await observe("4", "wait=20")).status, 200);
  const { json } = await system.request("GET", "/p1/working-memory");
  assert.deepEqual((json.message as string[][]).flat(), [...events, "4"]);
});
