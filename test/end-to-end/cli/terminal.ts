import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withoutStyles } from "../../fixtures/cli.ts";
import { until } from "../../fixtures/until.ts";
import type { World } from "./world.ts";
import { katoMain } from "./world.ts";

const isThere = (tool: string) => spawnSync(tool, ["--version"]).error === undefined;
const skip = isThere("script") ? false : "there is no script(1) on this machine";
const id = "p2";

/** Runs a command line in a pseudo-terminal. Resolves to all that it has written there. */
async function typed(
  { variables, folder }: World,
  args: readonly string[],
  {
    columns = 100,
    rows = 12,
    keys,
  }: { columns?: number; rows?: number; keys?: { after: RegExp; text: string } } = {},
): Promise<string> {
  const quoted = [process.execPath, katoMain, ...args].map((arg) => `'${arg}'`).join(" ");
  const line = `stty cols ${columns} rows ${rows}; exec ${quoted}`;
  const terminal = spawn("script", ["-qec", line, "/dev/null"], {
    cwd: folder,
    env: { ...process.env, ...variables, TERM: "xterm", SHELL: "/bin/sh" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let written = "";
  terminal.stdout.on("data", (data) => (written += data));
  const ended = new Promise((done) => terminal.on("close", done));
  if (keys) {
    await until("the screen is drawn", () => keys.after.test(written));
    terminal.stdin.write(keys.text);
  }
  await ended;
  return written.replaceAll("\r\r\n", "\n").replaceAll("\r\n", "\n");
}

/** What people see, rather than scripts. */
export function inATerminal(world: () => World): void {
  test("predictions are drawn in colours, as wide as the terminal", { skip }, async () => {
    const { kato } = world();
    for (const event of [["a"], ["b"], ["c"]]) await kato("observe", id, ...event);
    await kato("learn", id);
    for (const event of [["b", "x"]]) await kato("observe", id, ...event);
    const written = await typed(world(), ["predict", id, "--figures", "frequency,confidence"], {
      columns: 60,
    });
    assert.ok(written.includes("\x1b[33m+x"), written);
    assert.equal(
      withoutStyles(written),
      "PAST | PRESENT | FUTURE  FREQUENCY  CONFIDENCE\n {a} | {b} +x  | {c}             1           1\n",
    );
    assert.equal((await kato("clear", id)).code, 0);
  });

  test("what destroys asks, and does nothing unless the answer is yes", { skip }, async () => {
    const { kato } = world();
    await kato("observe", id, "kept");
    const answer = async (text: string) =>
      withoutStyles(await typed(world(), ["clear", id, "--all"], { keys: { after: /\[y\/N\]/, text } }));
    assert.match(
      await answer("n\n"),
      /^This clears everything that p2 has learned. \[y\/N\] n\nkato: nothing was done\n$/,
    );
    assert.match(await answer("\x03"), /\nkato: nothing was done\n$|\^Ckato: nothing was done\n$/);
    assert.equal((await kato("memory", id)).out, "{kept}\n");
    assert.match(await answer("y\n"), /\neverything of p2 is cleared\n$/);
    assert.equal((await kato("memory", id)).out, "empty\n");
  });

  test("top shows the fleet until somebody leaves it, and the terminal is as it was then", {
    skip,
  }, async () => {
    const columns = 50;
    const written = await typed(world(), ["top"], {
      columns,
      rows: 6,
      keys: { after: /more/, text: "q" },
    });
    assert.ok(
      written.includes("\x1b[?1049h") && written.endsWith("\x1b[?25h\x1b[?1049l"),
      JSON.stringify(written),
    );
    const frames = written.split("\x1b[H");
    const screen = withoutStyles(frames.at(-1) ?? "").replace(/top {2}\S.*$/m, "top");
    // Nobody knows how fast the tests before this one were. The column is as wide as its rate, for which there is room.
    const [, rate = ""] = /^p2 .* (\S+\/s) /m.exec(screen) ?? [];
    const width = Math.max(rate.length, "RATE".length);
    assert.ok(
      screen.split("\n").every((line) => line.length <= columns),
      screen,
    );
    assert.equal(
      screen
        .replace(/waiting, \S+\/s$/m, "waiting, 0/s")
        .replace(/( {2}WORKER) .*$/m, "$1")
        .replace(/^(p2 .*\/s {2})\S.*$/m, "$1worker"),
      [
        "kato top",
        "3 processors, 0 not well, 0 waiting, 0/s",
        "",
        `ID  NAME  STATE  WAITING  OLDEST  ${"RATE".padStart(width)}  WORKER`,
        `p2  p2    ready        0       -  ${rate.padStart(width)}  worker`,
        "and 2 more",
      ].join("\n"),
    );
  });

  test("ingest draws a bar on stderr, and what became of it on stdout", { skip }, async () => {
    const { folder, kato } = world();
    const lines = Array.from({ length: 300 }, (_, index) => JSON.stringify({ strings: [`t${index}`] }));
    writeFileSync(join(folder, "bar.ndjson"), `${lines.join("\n")}\n"wrong"\n`);
    const written = withoutStyles(await typed(world(), ["ingest", id, "bar.ndjson"]));
    const bars = written.split("\r").slice(1);
    assert.ok(bars.length > 1, written);
    assert.match(bars.at(-1) ?? "", /^\[#{24}\] 100% {2}300 accepted {2}300 applied {2}\d+\/s {2}ETA 0s\n/);
    assert.ok(
      written.endsWith(`\n${id}: 300 accepted, 300 applied, 1 rejected\nline 301: must be object\n`),
      written,
    );
    assert.equal((await kato("clear", id)).code, 0);
  });

  for (const [shell, ask] of [
    [
      "bash",
      'eval "$(kato completion bash)"; COMP_WORDS=(kato processors get p4); COMP_CWORD=3; _kato; echo "$COMPREPLY"',
    ],
    [
      "zsh",
      'compdef() { }; eval "$(kato completion zsh)"; compadd() { shift; print -l -- $@ }; words=(kato processors get p4); CURRENT=4; _kato',
    ],
    ["fish", 'kato completion fish | source; complete -C "kato processors get p4"'],
  ] as const) {
    test(`command lines are completed in ${shell}`, {
      skip: isThere(shell) ? false : `there is no ${shell}`,
    }, async () => {
      const { out, err } = await world().shell(`exec ${shell} -c '${ask.replaceAll("'", "'\\''")}'`);
      assert.equal(out.trim(), "p46b6b076c", err);
    });
  }
}
