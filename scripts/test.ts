// npm test: everything CI checks. With arguments only the tests, with the arguments given to `node --test`:
//   npm test -- test/unit/codec.test.ts
//   npm test -- --test-name-pattern=rebuild
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";

const suites = ["unit", "integration", "end-to-end", "chaos"].map((suite) => `test/${suite}/**/*.test.ts`);
// Forced, as a test that was cut off would leave what keeps its process alive, and so this one, for ever.
const testOptions = ["--test-concurrency=4", "--test-timeout=120000", "--test-force-exit"];

const running = new Set<ChildProcess>();
let wasStopped = false;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    wasStopped = true;
    for (const child of running) child.kill("SIGTERM");
  });
}

/** Runs Node with these arguments and gives its exit code; its output too, where it is kept back. */
async function runNode(args: string[], stdio: "inherit" | "pipe"): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, args, { stdio: ["inherit", stdio, stdio] });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += data));
  const [code] = await once(child, "close");
  running.delete(child);
  return { code: code ?? 1, output };
}

async function check(name: string, args: string[]): Promise<boolean> {
  const { code, output } = await runNode(args, "pipe");
  console.log(code === 0 ? `${name}: passed` : `${name}: failed\n${output}`);
  return code === 0;
}

async function checkSources(): Promise<boolean> {
  const passed = await Promise.all([
    check("lint and format", ["node_modules/.bin/biome", "check"]),
    check("types", ["node_modules/.bin/tsc", "-p", "."]),
  ]);
  return passed.every(Boolean);
}

async function runTests(args: string[]): Promise<number> {
  const files = args.some((arg) => !arg.startsWith("-")) ? [] : suites;
  const { code } = await runNode(["--test", ...testOptions, ...args, ...files], "inherit");
  return code;
}

const args = process.argv.slice(2);
const sourcesPass = args.length > 0 || (await checkSources());
process.exitCode = sourcesPass && !wasStopped ? await runTests(args) : 1;
