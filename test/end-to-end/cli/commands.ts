import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LoggedCommand, Processor } from "../../../libs/client/types/gateway.ts";
import { freePort } from "../../fixtures/free-port.ts";
import { until } from "../../fixtures/until.ts";
import type { World } from "./world.ts";
import { katoMain } from "./world.ts";

const id = "p46b6b076c";

/** What scripts rest on: data, messages and exit codes. */
export function commands(world: () => World): void {
  test("data is on stdout, and a processor can be followed from its list to its memory", async () => {
    const { kato, json } = world();
    const { out, err } = await kato("processors");
    assert.match(out, /^ID +NAME +STATE +WAITING +OLDEST +RATE +WORKER +ENDPOINT +REMARK\n/);
    assert.match(out, new RegExp(`^${id} +\\S+ +ready +0 `, "m"));
    assert.match(err, /^(not registered any more, and NATS still has their logs: p1\n)?$/);
    const all = (await kato("processors", "--output", "jsonl")).out.trim().split("\n");
    assert.deepEqual(
      all.map((line) => JSON.parse(line).id),
      ["p2", id],
    );
    await kato("clear", id);
    const { command, sequence } = await json<{ command: string; sequence: number }>(
      "observe",
      id,
      "x",
      "y",
      "--async",
    );
    assert.equal((await kato("memory", id, "--after", String(sequence))).out, "{x y}\n");
    const asked = await kato("command", id, command);
    assert.match(asked.out, /^state +applied$/m, asked.err);
    const [newest] = await json<LoggedCommand[]>("log", id, "--limit", "1");
    assert.deepEqual([newest?.sequence, newest?.method], [sequence, "Observe"]);
    assert.equal((await kato("gene", "set", id, "persistence=7")).out, "persistence=7 is set\n");
    assert.equal((await kato("gene", "get", id, "persistence")).out, "7\n");
  });

  test("the log is followed until it is stopped", async () => {
    const { kato, folder, variables } = world();
    const args = [katoMain, "log", id, "--follow", "--limit", "1", "--output", "jsonl"];
    const following = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...variables } });
    let out = "";
    following.stdout.on("data", (data) => (out += data));
    await until("the newest is shown", () => out !== "");
    await kato("learn", id);
    await until("the next is shown", () => out.includes('"method":"Learn"'));
    following.kill("SIGINT");
    assert.deepEqual(await once(following, "close"), [0, null]);
    const shown = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).sequence);
    assert.deepEqual(
      shown,
      shown.map((_, index) => shown[0] + index),
    );
  });

  test("the log is filtered by the gateway", async () => {
    const { json } = world();
    const learned = await json<LoggedCommand[]>(
      "log",
      id,
      "--method",
      "Learn",
      "--outcome",
      "applied",
      "--since",
      "1h",
    );
    assert.ok(
      learned.length > 0 && learned.every(({ method }) => method === "Learn"),
      JSON.stringify(learned),
    );
    assert.deepEqual(await json<LoggedCommand[]>("log", id, "--until", "1h"), []);
    assert.deepEqual(await json<LoggedCommand[]>("log", id, "--sender", "nobody"), []);
  });

  test("check is one line, and its code says whether all is well", async () => {
    const { kato } = world();
    const well = await kato("check");
    assert.deepEqual([well.code, well.err], [0, ""]);
    assert.match(well.out, /^OK: 2 processors, 0 commands wait, the oldest for 0s\n$/);
    await kato("processors", "pause", "p2");
    const ill = await kato("check", "p2", "p9");
    assert.equal(ill.code, 1);
    assert.match(ill.out, /^NOT OK: p2 is paused; p9 is not registered \(/);
    await kato("processors", "resume", "p2");
  });

  test("what fails is one sentence that says what to do, with the exit code of its kind", async () => {
    const { kato, variables } = world();
    const nobody = ["--url", `http://127.0.0.1:${await freePort()}`];
    for (const [args, code, sentence] of [
      [
        ["observe", "p9", "a"],
        1,
        /^kato: Processor p9 not found: kato processors lists those that there are\n$/,
      ],
      [["gene", "set", id, "foo=1"], 1, /^kato: foo: is not one of the genes/],
      [["command", id, "nosuch"], 1, /^kato: No command nosuch of the last 24 hours: kato log /],
      // One id in 64 begins like an option.
      [["command", id, "-No7bBCn2fD5g_Ih3JkLmA"], 1, /^kato: No command -No7bBCn2fD5g_Ih3JkLmA of the last/],
      [["command", id, "--nosuch"], 2, /^kato: unknown option '--nosuch'/],
      [["processors", "adopt", id, "--yes"], 1, /^kato: Only the instance of a processor that is held/],
      [["processors", ...nobody], 3, /^kato: no gateway can be reached at .*: start it, or say where it is/],
      [["learn", id, ...nobody], 3, /^kato: no gateway can be reached/],
      [["clear", id, "--all"], 1, /^kato: This clears everything .* Nobody can be asked here: add --yes/],
      [["processors", "rm", id], 1, /add --yes/],
      [["dead-letters", id, "discard"], 2, /^kato: say which ones: their sequences, or --all\n$/],
    ] as const) {
      const result = await kato(...args);
      assert.deepEqual([result.code, result.out], [code, ""], `${args.join(" ")}: ${result.err}`);
      assert.match(result.err, sentence);
    }
    const { KATO_KEY } = variables;
    variables.KATO_KEY = "kato_admin_wrong";
    const wrong = await kato("processors");
    variables.KATO_KEY = KATO_KEY ?? "";
    assert.equal(wrong.code, 5);
    assert.match(
      wrong.err,
      /^kato: .*: give a key that counts: --key-file, KATO_KEY, or kato context add\n$/,
    );
  });

  test("a key is made alone on stdout, does what it may, and is refused the rest with the code 5", async () => {
    const { kato, variables } = world();
    const made = await kato(
      "keys",
      "add",
      "reader",
      "--processors",
      "p2",
      "--scope",
      "read",
      "--expires",
      "1h",
    );
    assert.match(made.out, /^kato_\w+\S+\n$/);
    const { KATO_KEY = "" } = variables;
    variables.KATO_KEY = made.out.trim();
    await until("the key counts", async () => (await kato("keys", "whoami")).code === 0);
    const seen = await kato("processors", "--output", "jsonl");
    const refused = await kato("learn", "p2");
    const hidden = await kato("memory", id);
    variables.KATO_KEY = KATO_KEY;
    assert.deepEqual(
      seen.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).id),
      ["p2"],
    );
    assert.deepEqual([refused.code, hidden.code], [5, 1]);
    assert.match(refused.err, /^kato: .*write.*: kato keys whoami says what this key may do\n$/);
    assert.match((await kato("audit")).out, / key\.made .* 201 /);
  });

  test("doctor names what is wrong, and what to do", async () => {
    const { kato } = world();
    const well = await kato("doctor");
    assert.equal(well.code, 0, well.out);
    for (const what of [
      "gateway",
      "versions",
      "access",
      "processors",
      "clock",
      "NATS",
      "JetStream",
      "settings",
    ]) {
      assert.match(well.out, new RegExp(`^ok +${what}: `, "m"));
    }
    await kato("processors", "add", "p4", `127.0.0.1:${await freePort()}`);
    await until("p4 is down", async () => {
      const { out } = await kato("processors", "get", "p4", "--output", "json");
      return (JSON.parse(out) as Processor).state === "down";
    });
    const ill = await kato("doctor");
    assert.equal(ill.code, 1);
    assert.match(ill.out, /^wrong +p4: down .*\n +→ look whether its instance runs/m);
    assert.equal((await kato("processors", "rm", "p4", "--data", "--yes")).code, 0);
  });

  test("while NATS is away a command is refused or its effect is unknown, and that is said; an ingest goes on after it", async () => {
    const { kato, system, folder } = world();
    const file = join(folder, "patient.ndjson");
    writeFileSync(file, Array.from({ length: 500 }, (_, at) => `{"strings": ["n${at}"]}\n`).join(""));
    await system.nats.kill();
    // It waits until it can go on.
    const ingesting = kato("ingest", "p2", file, "--async", "--output", "json");
    try {
      const { code, out, err } = await kato("observe", id, "a", "--wait", "2");
      assert.ok([3, 4].includes(code), `${code}: ${err}`);
      assert.equal(out, "");
      assert.match(err, /^kato: [^\n]+\n$/);
      const ill = await kato("doctor");
      assert.match(ill.out, /^wrong +gateway: .* is not ready/m);
      assert.match(ill.out, /^wrong +NATS: it does not answer/m);
    } finally {
      await system.nats.restart();
    }
    await until("it works again", async () => (await kato("check")).code === 0);
    const { code, out, err } = await ingesting;
    assert.equal(code, 0, err);
    assert.equal(JSON.parse(out).accepted, 500);
    assert.match(err, /; goes on in \d+ s\n/);
  });
}
