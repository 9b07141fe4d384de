import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Processor } from "../../../libs/client/types/gateway.ts";
import { until } from "../../fixtures/until.ts";
import type { World } from "./world.ts";
import { katoMain } from "./world.ts";

const id = "p3";
const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000);

/** Files of observations. */
export function ingesting(world: () => World): void {
  test(`an ingest that is killed at any moment and called again stores every line once (CHAOS_SEED=${seed})`, async () => {
    const { json, folder, variables, kato } = world();
    await kato("processors", "pause", id);
    const count = 10_000;
    const lines = Array.from({ length: count }, (_, index) => `{"strings": ["k${index}"]}\n`);
    writeFileSync(join(folder, "killed.ndjson"), lines.join(""));
    const args = [katoMain, "ingest", id, "killed.ndjson", "--async", "--learn", "--output", "json"];
    let out = "";
    const start = () => {
      const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...variables } });
      out = "";
      child.stdout.on("data", (data) => (out += data));
      return { child, closed: once(child, "close") };
    };
    let isDone = false;
    for (let round = 0; round < 3 && !isDone; round++) {
      const { child, closed } = start();
      await sleep(80 + ((seed * 7_919 + round * 104_729) % 700));
      child.kill(round % 2 === 0 ? "SIGKILL" : "SIGINT");
      const [code] = await closed;
      // By a signal it ends before it listens for one, and with 0 if it was done already.
      assert.ok([null, 0, 130].includes(code), `it ended with ${code}`);
      isDone = code === 0;
    }
    if (!isDone) assert.deepEqual(await start().closed, [0, null], out);
    const { accepted, first_sequence, last_sequence, learn_sequence } = JSON.parse(out);
    assert.deepEqual(
      { accepted, first_sequence, last_sequence, learn_sequence },
      { accepted: count, first_sequence: 1, last_sequence: count, learn_sequence: count + 1 },
    );
    const stored = async () => (await json<Processor>("processors", "get", id)).last;
    await until("the gateway knows of all", async () => (await stored()) === count + 1);
    // It is done, so the same command would begin anew.
    assert.deepEqual(readdirSync(join(folder, "state/kato/ingests")), []);
    await kato("processors", "rm", id, "--force", "--data", "--yes");
  });

  test("lines that are refused are listed, and what became of each line is in the file of receipts", async () => {
    const { kato, folder } = world();
    const file = join(folder, "mixed.csv");
    writeFileSync(file, "weather,mood\nsunny,0.5\nrainy,much\n");
    const receipts = join(folder, "receipts.jsonl");
    const args = [
      "ingest",
      "p2",
      file,
      "--strings",
      "weather",
      "--emotive",
      "joy=mood",
      "--receipts",
      receipts,
    ];
    const { code, out, err } = await kato(...args);
    assert.deepEqual([code, err], [1, ""]);
    assert.equal(out, "p2: 1 accepted, 1 applied, 1 rejected\nline 3: emotives.joy: must be number\n");
    const told = readFileSync(receipts, "utf8").trim().split("\n");
    assert.deepEqual(
      told.map((line) => Object.keys(JSON.parse(line))),
      [
        ["line", "sequence"],
        ["line", "error"],
      ],
    );
    assert.equal((await kato("memory", "p2")).out, "{sunny}\n");
    await kato("clear", "p2");
  });

  test("what is no text, has another form, or goes to no processor is one sentence, and nothing is left behind", async () => {
    const { kato, folder } = world();
    const binary = join(folder, "binary");
    writeFileSync(binary, Buffer.from([0, 1, 2]));
    writeFileSync(join(folder, "x.csv"), "a,b\n1,2\n");
    for (const [args, code, sentence] of [
      [["p2", binary], 2, `kato: ${binary} is no text\n`],
      [["p2", join(folder, "x.csv"), "--strings", "c"], 2, /no column "c": there are a, b\n$/],
      [["p2", folder], 2, /is a folder\n$/],
      [["nosuch", join(folder, "x.csv")], 1, /^kato: Processor nosuch not found: kato processors/],
    ] as const) {
      const result = await kato("ingest", ...args);
      assert.deepEqual([result.code, result.out], [code, ""], result.err);
      if (typeof sentence === "string") assert.equal(result.err, sentence);
      else assert.match(result.err, sentence);
    }
    assert.deepEqual(readdirSync(join(folder, "state/kato/ingests")), []);
  });
}
