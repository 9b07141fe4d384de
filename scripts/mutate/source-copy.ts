import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { MutationOfFile } from "../../test/mutations/all.ts";

const repository = resolve(import.meta.dirname, "../..");

/** A copy of the repository that mutations are made in, so that the sources themselves are never changed. */
export class SourceCopy {
  readonly root = mkdtempSync(join(tmpdir(), "kato-mutate-"));

  constructor() {
    const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
      cwd: repository,
      encoding: "utf8",
    });
    for (const file of listed.split("\0").filter(Boolean)) {
      cpSync(join(repository, file), join(this.root, file));
    }
    for (const folder of ["node_modules", ".tools"]) {
      symlinkSync(join(repository, folder), join(this.root, folder));
    }
  }

  /** Changes the file while `task` runs. */
  async withMutation<T>(mutation: MutationOfFile, task: () => Promise<T>): Promise<T> {
    const path = join(this.root, mutation.file);
    const before = readFileSync(path, "utf8");
    writeFileSync(path, mutated(before, mutation));
    try {
      return await task();
    } finally {
      writeFileSync(path, before);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Why this mutation cannot be made, undefined where it can. */
export function objectionTo(mutation: MutationOfFile): string | undefined {
  const { file, find, replace } = mutation;
  const count = readFileSync(join(repository, file), "utf8").split(find).length - 1;
  if (count === 1 && find !== replace) return undefined;
  return `${file} has ${count} times what is to be found once: ${find}`;
}

function mutated(source: string, { find, replace }: MutationOfFile): string {
  const at = source.indexOf(find);
  return source.slice(0, at) + replace + source.slice(at + find.length);
}
