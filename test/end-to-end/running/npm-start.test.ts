import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../../scripts/start/free-ports.ts";
import type { TestProcess } from "../../fixtures/processes.ts";
import { startProgram } from "../../fixtures/processes.ts";

const ids = ["p46b6b076c", "pd5d9e6c4c", "p847675347"];
const startTimeoutMs = 60_000;

interface Started {
  npm: TestProcess;
  call: (path: string, body?: object) => Promise<{ httpStatus: number; message: unknown; interval: number }>;
}

/** Runs `npm start` as a user does and resolves once it says that it is ready. */
async function npmStart(t: TestContext, dataDir: string): Promise<Started> {
  const [port] = await freePorts(1);
  const env = { ...process.env, GATEWAY_PORT: String(port), DATA_DIR: dataDir };
  // What the tests themselves are run with is not to reach what they run.
  for (const name of ["NATS_URL", "KATO_PROCESSORS", "GATEWAY_HOST", "LOG_LEVEL"])
    Reflect.deleteProperty(env, name);
  process.chdir(resolve(import.meta.dirname, "../../.."));
  const npm = startProgram({ name: "npm start", command: "npm", args: ["start"], env });
  t.after(() => npm.stop());

  const deadline = Date.now() + startTimeoutMs;
  while (!/^Ready: /m.test(npm.output())) {
    if (!npm.isRunning() || Date.now() > deadline) assert.fail(`npm start is not ready:\n${npm.output()}`);
    await sleep(50);
  }
  return {
    npm,
    async call(path, body) {
      const init = body && {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return {
        httpStatus: response.status,
        ...((await response.json()) as { message: unknown; interval: number }),
      };
    },
  };
}

/** SIGTERM to npm; asserts that the end is a clean one and that no process is left. */
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

/** Every process that runs; a zombie has ended. */
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

/** `pid state ppid`; empty when the process has ended meanwhile. */
function statOf(pid: string): string {
  try {
    // The command's name, in parentheses, can contain anything.
    return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/\(.*\)/s, "");
  } catch {
    return "";
  }
}

test("npm start runs the whole system, stops without a trace and goes on where it stopped", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "kato-start-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const models = new Map<string, string>();

  await t.test("three processors learn and predict, each its own", async (t) => {
    const { npm, call } = await npmStart(t, dataDir);
    await Promise.all(
      ids.map(async (id) => {
        const own = (symbol: string) => `${symbol} of ${id}`;
        const observe = async (...strings: string[]) => {
          assert.equal((await call(`/${id}/observe`, { strings: strings.map(own) })).httpStatus, 200);
        };
        for (const symbol of ["a", "b", "c", "d", "e"]) await observe(symbol);
        const learned = await call(`/${id}/learn`, {});
        assert.match(String(learned.message), /^MODEL\|[0-9a-f]{40}$/);
        models.set(id, String(learned.message));

        await observe("b");
        await observe("d", "x");
        const predictions = (await call(`/${id}/predictions`)).message as Record<string, unknown>[];
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
      const { npm, call } = await npmStart(t, dataDir);
      for (const id of ids) {
        const model = await call(`/${id}/model/${encodeURIComponent(models.get(id) ?? "")}`);
        assert.equal(model.httpStatus, 200);
        assert.equal((model.message as { frequency: number }).frequency, 1);

        const memory = await call(`/${id}/working-memory`);
        assert.deepEqual(memory.message, [[`b of ${id}`], [`d of ${id}`, `x of ${id}`]]);
        assert.equal(memory.interval, 7);
      }
      await stopCleanly(npm);
    },
  );
});
