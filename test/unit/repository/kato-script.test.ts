import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const root = resolve(import.meta.dirname, "../../..");

/** A repository whose Node tells what it is called with, and whose setup notes that it ran. */
function repository(t: TestContext) {
  const folder = temporaryFolder(t);
  for (const name of ["bin", "scripts", "node_modules", "services/cli"])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(join(root, "bin/kato"), join(folder, "bin/kato"));
  writeFileSync(join(folder, "package-lock.json"), "{}");
  const node = join(folder, "node");
  const setup = `echo setup >>"${folder}/setups"; printf '%s\\n\\n\\n' "${node}"`;
  writeFileSync(node, `#!/bin/sh\ncase $1 in scripts/setup.mjs) ${setup};; *) echo "$@";; esac\n`);
  chmodSync(node, 0o755);
  const long = new Date(Date.now() - 3_600_000);
  for (const file of ["node", "package-lock.json"]) utimesSync(join(folder, file), long, long);
  const run = (from = folder, script = join(folder, "bin/kato")) =>
    spawnSync("sh", [script, "processors", "a b"], {
      cwd: from,
      encoding: "utf8",
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    });
  const setups = () => readFileSync(join(folder, "setups"), "utf8").split("\n").length - 1;
  return { folder, run, setups };
}

test("bin/kato looks for what is missing once, and again when the packages are to be others", (t) => {
  const { folder, run, setups } = repository(t);
  const expected = `${folder}/services/cli/main.ts processors a b\n`;
  assert.equal(run().stdout, expected);
  assert.equal(run().stdout, expected);
  assert.equal(setups(), 1);
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(folder, "package-lock.json"), later, later);
  assert.equal(run().stdout, expected);
  assert.equal(setups(), 2);
});

test("bin/kato may be called by a link, and from any folder", (t) => {
  const { folder, run } = repository(t);
  const elsewhere = temporaryFolder(t);
  symlinkSync(join(folder, "bin/kato"), join(elsewhere, "kato"));
  assert.equal(run(elsewhere, "./kato").stdout, `${folder}/services/cli/main.ts processors a b\n`);
});
