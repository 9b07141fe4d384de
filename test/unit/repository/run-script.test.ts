import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { temporaryFolder } from "../../fixtures/temporary-folder.ts";

const script = resolve(import.meta.dirname, "../../../scripts/run");

/** Runs a copy of scripts/run in a folder of its own, as this user or another one. */
function run(prepare: (folder: string) => void, uid?: number) {
  const folder = temporaryFolder({ after });
  mkdirSync(join(folder, "scripts"));
  copyFileSync(script, join(folder, "scripts/run"));
  chmodSync(folder, 0o755);
  prepare(folder);
  return spawnSync("sh", ["scripts/run", "x.ts"], { cwd: folder, encoding: "utf8", ...(uid && { uid }) });
}

function assertOneSentence({ status, stdout, stderr }: ReturnType<typeof run>): void {
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^setup: \S+\.tools cannot be written by \S+, .*chown -R\n$/);
}

test("without a .tools that can be written, that is said in one sentence", () => {
  assertOneSentence(run((folder) => writeFileSync(join(folder, ".tools"), "no folder")));
});

test("so it is for another user", {
  skip: process.getuid?.() !== 0 && "only root can be another user",
}, () => {
  assertOneSentence(run((folder) => mkdirSync(join(folder, ".tools")), 65_534));
});
