import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { TestContext } from "node:test";
import test from "node:test";
import { freePort } from "../../fixtures/free-port.ts";
import type { Send } from "../../fixtures/http-client.ts";
import { sendTo } from "../../fixtures/http-client.ts";
import type { TestProcess } from "../../fixtures/processes.ts";
import { startProgram } from "../../fixtures/processes.ts";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";
import { until } from "../../fixtures/until.ts";

const ids = ["p46b6b076c", "pd5d9e6c4c", "p847675347"];
const startTimeoutMs = 60_000;

interface Started {
  npm: TestProcess;
  send: Send;
}

/** Runs `npm start` as a user does. Resolves once it says that it is ready. */
async function npmStart(t: TestContext, dataDir: string): Promise<Started> {
  const port = await freePort();
  const env = { ...process.env, GATEWAY_PORT: String(port), DATA_DIR: dataDir };
  // The settings that the tests themselves run with must not reach what they start.
  for (const name of ["NATS_URL", "KATO_PROCESSORS", "GATEWAY_HOST", "LOG_LEVEL"])
    Reflect.deleteProperty(env, name);
  process.chdir(resolve(import.meta.dirname, "../../.."));
  const npm = startProgram({ name: "npm start", command: "npm", args: ["start"], env });
  t.after(() => npm.stop());
  const isReady = () => /^Ready: /m.test(npm.output());
  await until("npm start is ready or has ended", () => !npm.isRunning() || isReady(), startTimeoutMs);
  assert.ok(isReady(), npm.output());
  return { npm, send: sendTo(`http://127.0.0.1:${port}`) };
}

/** Stops npm by SIGTERM. Asserts that it ends cleanly and that no process is left. */
async function stopCleanly(npm: TestProcess): Promise<void> {
  const started = descendants(npm.pid);
  assert.ok(
    started.length >= 7,
    `npm start runs nats-server, three simulators, worker, gateway and itself: ${started}`,
  );
  assert.equal(await npm.stop(), "exit code 0", npm.output());
  const left = processes().filter(({ pid }) => started.includes(pid));
  assert.deepEqual(left, []);
}

function descendants(pid: number): number[] {
  const table = processes();
  const below = (parent: number): number[] =>
    table.filter(({ ppid }) => ppid === parent).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(pid);
}

/** Every process that runs. A zombie does not. */
function processes(): { pid: number; ppid: number }[] {
  const lines = existsSync("/proc/self/stat")
    ? readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .map(statOf)
    : execFileSync("ps", ["-A", "-o", "pid=,stat=,ppid="], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([pid, state]) => pid && !state?.startsWith("Z"))
    .map(([pid, , ppid]) => ({ pid: Number(pid), ppid: Number(ppid) }));
}

/** `pid state ppid`, or "" where the process has ended meanwhile. */
function statOf(pid: string): string {
  try {
    // The command's name, in parentheses, can contain anything.
    return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/\(.*\)/s, "");
  } catch {
    return "";
  }
}

test("npm start runs the whole system, leaves no process behind, and goes on where it stopped", async (t) => {
  const dataDir = temporaryFolder(t);
  const models = new Map<string, string>();

  await t.test("three processors learn and predict, each its own", async (t) => {
    const { npm, send } = await npmStart(t, dataDir);
    await Promise.all(
      ids.map(async (id) => {
        const own = (symbol: string) => `${symbol} of ${id}`;
        const observe = async (...strings: string[]) => {
          const body = { strings: strings.map(own) };
          const { status, text } = await send("POST", `/${id}/observe`, body);
          assert.equal(status, 200, text);
        };
        for (const symbol of ["a", "b", "c", "d", "e"]) await observe(symbol);
        const { message: learned } = (await send("POST", `/${id}/learn`)).json;
        assert.match(String(learned), /^MODEL\|[0-9a-f]{40}$/);
        models.set(id, String(learned));

        await observe("b");
        await observe("d", "x");
        const { status, text, json } = await send("GET", `/${id}/predictions`);
        assert.equal(status, 200, text);
        const predictions = json.message as Record<string, unknown>[];
        assert.equal(predictions.length, 1);
        const { name, past, present, future, missing, extras } = predictions[0] ?? {};
        assert.deepEqual(
          { name, past, present, future, missing, extras },
          {
            name: models.get(id),
            past: [[own("a")]],
            present: [[own("b")], [own("c")], [own("d")]],
            future: [[own("e")]],
            missing: [own("c")],
            extras: [own("x")],
          },
        );
      }),
    );
    await stopCleanly(npm);
  });

  await t.test(
    "a second start has the models, the working memory and the interval of the first",
    async (t) => {
      const { npm, send } = await npmStart(t, dataDir);
      for (const id of ids) {
        const model = await send("GET", `/${id}/model/${encodeURIComponent(models.get(id) ?? "")}`);
        assert.equal(model.status, 200, model.text);
        assert.equal((model.json.message as { frequency: number }).frequency, 1);

        const { status, text, json } = await send("GET", `/${id}/working-memory`);
        assert.equal(status, 200, text);
        const { message, interval } = json;
        assert.deepEqual(message, [[`b of ${id}`], [`d of ${id}`, `x of ${id}`]]);
        assert.equal(interval, 7);
      }
      await stopCleanly(npm);
    },
  );
});
