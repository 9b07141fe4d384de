import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { TestContext } from "node:test";
import test from "node:test";
import { nextVersion, versionedFiles, withRelease, withVersion } from "../../../scripts/release/versions.ts";

const root = resolve(import.meta.dirname, "../../..");
const program = join(root, "scripts/release.ts");
const changelog = "# Changelog\n\n## Pending\n\n- Something new.\n\n## 0.1.0 (2026-01-02)\n\n- The first.\n";

/** A git repository of its own, with this one's files that have the version, and with this changelog. */
function repositoryWith(t: TestContext, text: string) {
  const dir = mkdtempSync(join(tmpdir(), "kato-release-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const exclude = ["node_modules/**", ".tools/**"];
  const files = globSync([...versionedFiles, "package.json", "package-lock.json"], { cwd: root, exclude });
  for (const file of files) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    cpSync(join(root, file), join(dir, file));
  }
  writeFileSync(join(dir, "CHANGELOG.md"), text);
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dir, encoding: "utf8" }).trim();
  git("init", "--quiet");
  git("config", "user.name", "Test");
  git("config", "user.email", "test@example.org");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Begin");
  const release = (...args: string[]) =>
    spawnSync(process.execPath, [program, ...args], { cwd: dir, encoding: "utf8" });
  return { dir, files, git, release, read: (file: string) => readFileSync(join(dir, file), "utf8") };
}

test("a release moves what is pending under the new version, everywhere, and is committed and tagged", (t) => {
  const { files, git, release, read } = repositoryWith(t, changelog);
  const { version: before } = JSON.parse(read("package.json"));
  const after = nextVersion(before, "minor");
  const { status, stderr } = release("minor");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(
    read("CHANGELOG.md"),
    new RegExp(
      `^## Pending\\n\\n## ${after} \\(\\d{4}-\\d\\d-\\d\\d\\)\\n\\n- Something new\\.\\n\\n## 0\\.1\\.0 `,
      "m",
    ),
  );
  for (const file of files) assert.ok(read(file).includes(after), file);
  assert.deepEqual([git("tag"), git("status", "--porcelain")], [`v${after}`, ""]);
  assert.equal(git("log", "-1", "--format=%s"), `Release ${after}`);
});

test("a release is refused, and nothing changed, without anything pending, with uncommitted changes, for a wrong version", (t) => {
  const { dir, git, release, read } = repositoryWith(t, changelog.replace("- Something new.\n\n", ""));
  const refused = (reason: RegExp, ...args: string[]) => {
    const before = git("status", "--porcelain");
    const { status, stderr } = release(...args);
    assert.equal(status, 1);
    assert.match(stderr, reason);
    assert.deepEqual([git("status", "--porcelain"), git("tag")], [before, ""]);
  };
  refused(/nothing stands under Pending/, "patch");
  writeFileSync(join(dir, "CHANGELOG.md"), changelog);
  refused(/not committed/, "patch");
  git("commit", "--all", "--quiet", "--message", "Say what is new");
  refused(/is none of/, "");
  refused(/is none of/, "1.2");
  refused(/is not after/, JSON.parse(read("package.json")).version);
});

test("versions are counted up, and replaced only where they stand by themselves", () => {
  assert.equal(nextVersion("1.9.3", "patch"), "1.9.4");
  assert.equal(nextVersion("1.9.3", "minor"), "1.10.0");
  assert.equal(nextVersion("1.9.3", "major"), "2.0.0");
  assert.equal(nextVersion("1.9.3", "1.10.0"), "1.10.0");
  assert.equal(
    withVersion("a:0.1.0 10.1.0 0.1.0.1 v0.1.0", "0.1.0", "0.2.0"),
    "a:0.2.0 10.1.0 0.1.0.1 v0.2.0",
  );
  assert.equal(
    withRelease("## Pending\n- a\n", "1.0.0", "2026-01-02"),
    "## Pending\n\n## 1.0.0 (2026-01-02)\n- a\n",
  );
});
