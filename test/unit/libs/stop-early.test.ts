import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import test from "node:test";

const stopEarly = resolve(import.meta.dirname, "../../../libs/service/stop-early.ts");

/** Runs a program with it, sends SIGTERM once it has printed something, and tells what became of it. */
async function stopped(
  program: string,
): Promise<{ output: string; code: number | null; signal: string | null }> {
  const args = ["--import", stopEarly, "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  const [code, signal] = await once(child, "close");
  return { output, code, signal };
}

test("a program that does not listen for SIGTERM yet ends with exit code 0", async () => {
  const program = `console.log("up"); setInterval(() => {}, 1000);`;
  assert.deepEqual(await stopped(program), { output: "up\n", code: 0, signal: null });
});

test("a program that listens for SIGTERM stops by itself", async () => {
  const program = `
    const living = setInterval(() => {}, 1000);
    process.on("SIGTERM", () => setImmediate(() => { console.log("stopped"); clearInterval(living); }));
    console.log("up");`;
  assert.deepEqual(await stopped(program), { output: "up\nstopped\n", code: 0, signal: null });
});
