// npm run release -- minor: makes a release of what stands under Pending in CHANGELOG.md, as a commit and a
// tag. The argument can also be `major`, `patch`, or a version like 1.2.3. Nothing is pushed. It refuses if
// nothing is pending, and if git has changes that are not committed.
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { nextVersion, versionedFiles, withRelease, withVersion } from "./release/versions.ts";

const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
const edit = (file: string, change: (text: string) => string) =>
  writeFileSync(file, change(readFileSync(file, "utf8")));
const editJson = (file: string, change: (content: Package) => void) =>
  edit(file, (text) => {
    const content = JSON.parse(text);
    change(content);
    return `${JSON.stringify(content, null, 2)}\n`;
  });

interface Package {
  version: string;
  /** Only in package-lock.json: all packages by their folders. This one is under "". */
  packages?: Record<string, { version: string }>;
}

/** Makes the release and returns its version. If it refuses, it throws and changes nothing. */
function release(wanted: string): string {
  if (git("status", "--porcelain") !== "") throw new Error("there are changes that are not committed");
  const { version: current } = JSON.parse(readFileSync("package.json", "utf8")) as Package;
  const version = nextVersion(current, wanted);
  if (git("tag", "--list", `v${version}`) !== "") throw new Error(`there is a tag v${version} already`);
  const date = new Date().toISOString().slice(0, 10);
  edit("CHANGELOG.md", (text) => withRelease(text, version, date));
  editJson("package.json", (content) => {
    content.version = version;
  });
  editJson("package-lock.json", (content) => {
    content.version = version;
    const own = content.packages?.[""];
    if (own) own.version = version;
  });
  const exclude = ["node_modules/**"];
  for (const file of globSync(versionedFiles, { exclude })) {
    edit(file, (text) => withVersion(text, current, version));
  }
  git("commit", "--all", "--quiet", "--message", `Release ${version}`);
  git("tag", "--annotate", `v${version}`, "--message", `Version ${version}`);
  return version;
}

try {
  const [wanted = ""] = process.argv.slice(2);
  const version = release(wanted);
  console.log(`Release ${version} is committed and tagged. To publish it: git push --follow-tags`);
} catch (error) {
  console.error(`npm run release: ${(error as Error).message}`);
  process.exitCode = 1;
}
