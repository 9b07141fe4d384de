import { rmSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./command.mjs";

let held = false;

/**
 * Waits until no other setup installs into this repository, then keeps others waiting until this process
 * ends.
 */
export async function takeLock(root) {
  if (held) return;
  const file = join(root, ".tools", "setup.pid");
  await mkdir(join(root, ".tools"), { recursive: true });
  let told = 0;
  while (!(await created(file))) {
    const owner = Number(await readFile(file, "utf8").catch(() => ""));
    if (owner && (owner === process.pid || !isAlive(owner))) await rm(file, { force: true });
    else if (owner && owner !== told) {
      say(`waits for another setup (process ${owner}; if that is none, remove .tools/setup.pid)`);
      told = owner;
    }
    await sleep(100);
  }
  held = true;
  process.once("exit", () => rmSync(file, { force: true }));
}

async function created(file) {
  try {
    await writeFile(file, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
