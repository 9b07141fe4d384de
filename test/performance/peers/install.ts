import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");
const limitMs = 300_000;

/**
 * Installs the peers' packages into this folder, if that was not done for its package-lock.json yet, and checks
 * the types of what uses them. The project's own check leaves that out, as it runs without these packages.
 */
export function preparePeers(): void {
  const lock = readFileSync(join(import.meta.dirname, "package-lock.json"), "utf8");
  const stamp = join(import.meta.dirname, "node_modules/.installed-lock.json");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    console.error("installs the peers' packages, some 230 MB");
    run("npm", ["ci", "--no-audit", "--no-fund"], import.meta.dirname);
    writeFileSync(stamp, lock);
  }
  run(process.execPath, [join(root, "node_modules/.bin/tsc"), "-p", import.meta.dirname], root);
}

/** Throws where it fails. What it prints goes to stderr, as stdout has nothing but figures. */
function run(command: string, args: string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", 2, 2], timeout: limitMs });
}
