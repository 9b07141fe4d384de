import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "commander";
import { examplesOf } from "../../../services/cli/options/examples.ts";
import { programFor } from "../../../services/cli/program.ts";
import { testIo } from "../../fixtures/cli.ts";
import type { World } from "./world.ts";

const id = "p46b6b076c";

/** Those that others need the opposite of come last. */
const isLast = (line: string) => /^kato (clear|context rm)/.test(line);

/** What a shell understands, and commands that name files. Others run in this process, which is faster. */
const needsShell = /['|#]|^kato (ingest|backup|restore|processors$)/;

/** A command and all below it that do something. */
function leavesOf(command: Command): Command[] {
  const below = command.commands.filter((each) => each.name() !== "help").flatMap(leavesOf);
  return below.length > 0 && examplesOf(command).length === 0 ? below : [command, ...below];
}

/** The examples that the help shows. */
export function examples(world: () => World): void {
  test("every command's help has an example, and each of them works", async () => {
    const { json, kato, shell, folder } = world();
    for (const event of [["b", "a"], ["c"], ["d", "e"], ["f"]]) await kato("observe", id, ...event);
    assert.equal((await kato("learn", id)).out, "MODEL|d46a83e73f6feaef6974e00323808137c244cc9c\n");
    const key = await json<{ id: string }>("keys", "add", "x", "--processors", "*", "--scope", "read");
    const { command } = await json<{ command: string }>("observe", id, "z", "--async");
    writeFileSync(join(folder, "observations.ndjson"), '{"strings": ["n1"]}\n{"strings": ["n2"]}\n');
    writeFileSync(join(folder, "rows.csv"), "weather,wind,mood\nsunny,calm,0.5\n");

    const program = await programFor("*", testIo());
    const leaves = leavesOf(program);
    assert.deepEqual(
      leaves.filter((each) => examplesOf(each).length === 0).map((each) => each.name()),
      [],
    );
    const lines = leaves.flatMap(examplesOf);
    const inOrder = [...lines.filter((line) => !isLast(line)), ...lines.filter(isLast)];
    assert.ok(inOrder.length > 30);
    for (const line of inOrder) {
      const run = line.replace(/ KEY\b/, ` ${key.id}`).replace(/ COMMAND\b/, ` ${command}`);
      const { code, err } = needsShell.test(run) ? await shell(run) : await kato(...run.split(" ").slice(1));
      assert.equal(code, 0, `${run}: ${err}`);
    }
  });
}
