import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, say, secondsSince } from "./command.mjs";

const stampFile = "node_modules/.package-lock.sha256";

/** The npm packages, in exactly the versions of package-lock.json. */
export const packages = {
  async find(root) {
    const stamp = await readFile(join(root, stampFile), "utf8").catch(() => "");
    return stamp === (await lockHash(root)) ? join(root, "node_modules") : undefined;
  },

  async install(root) {
    say("installs the npm packages");
    const start = performance.now();
    const { code, output } = await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root });
    if (code !== 0) throw new Error(`npm ci failed:\n${output}`);
    await writeFile(join(root, stampFile), await lockHash(root));
    say(`npm packages installed in ${secondsSince(start)}`);
    return join(root, "node_modules");
  },
};

async function lockHash(root) {
  return createHash("sha256")
    .update(await readFile(join(root, "package-lock.json")))
    .digest("hex");
}
