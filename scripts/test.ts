// npm test: everything that CI checks. If there is an older nats-server, the tests that rest on NATS are also
// run with that. With arguments it only runs tests, and passes the arguments to `node --test`:
//   npm test -- test/unit/libs/codec.test.ts
//   npm test -- --test-name-pattern=rebuild
import type { ChildProcess } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { natsFolderEnv } from "./nats-folder.ts";
import { grouped } from "./test-groups.ts";
import { concurrency, filesOf, processTests, testOptions, unitTests } from "./test-options.ts";

/**
 * The tests that rest on NATS itself. Not those of KATO alone, nor those of a gateway with a stand-in for its
 * worker, nor those of a worker whose instance or whose connection to it is at fault. Of the chaos not that in
 * which only our own processes die, where another one kills or freezes the same with NATS among them. Not that
 * in which streams are deleted while they are read: nats-server 2.9 now and then gives the consumers of a stream
 * that was made anew nothing (docs/durability.md).
 */
const natsSuites = grouped([
  "test/integration/libs/**/*.test.ts",
  "test/integration/worker/!(broken-connection|goaway|unexpected-answers).test.ts",
  "test/chaos/!(rebuild|torn-learn|rolling-restart|frozen-worker|failover|idempotency|emptied-nats).test.ts",
]);

const natsFolder = natsFolderEnv();
const running = new Set<ChildProcess>();
let wasStopped = false;
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    wasStopped = true;
    for (const child of running) child.kill("SIGTERM");
  });
}

interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** As of `nice`: a higher one leaves the processors to others. */
  priority?: number;
}

/** Runs Node with these arguments. Resolves to its exit code, and to its output if that is piped. */
async function runNode(
  args: string[],
  stdio: "inherit" | "pipe",
  { env = {}, priority = 0 }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, args, {
    stdio: ["inherit", stdio, stdio],
    env: { ...process.env, ...natsFolder, ...env },
  });
  if (priority !== 0 && child.pid !== undefined) setPriority(child.pid, priority);
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += data));
  const [code] = await once(child, "close");
  running.delete(child);
  return { code: code ?? 1, output };
}

async function check(name: string, args: string[], options: RunOptions = {}): Promise<boolean> {
  const { code, output } = await runNode(args, "pipe", options);
  console.log(code === 0 ? `${name}: passed` : `${name}: failed\n${output}`);
  return code === 0;
}

async function checkSources(): Promise<boolean> {
  const passed = await Promise.all([
    check("lint and format", ["node_modules/.bin/biome", "check"]),
    check("types", ["node_modules/.bin/tsc", "-p", "."]),
    // A browser has other globals than Node.
    check("types of the console", ["node_modules/.bin/tsc", "-p", "services/console"]),
  ]);
  return passed.every(Boolean);
}

async function runTests(args: string[]): Promise<boolean> {
  const { code } = await runNode(["--test", ...testOptions, concurrency, ...args], "inherit");
  return code === 0;
}

/**
 * Runs the unit tests in a process for each pattern. To start one for each of their files would cost more than the tests
 * do. They take what the other tests leave of the processors.
 */
async function runUnitTests(): Promise<boolean> {
  const args = ["--test", ...testOptions, "--test-isolation=none"];
  const run = (files: string) => check(`unit tests ${files}`, [...args, files], { priority: 10 });
  return (await Promise.all(unitTests.map(run))).every(Boolean);
}

/**
 * Runs the tests that rest on NATS with the older nats-server, if there is one. They run two at a time, beside
 * the other tests, because they spend most of their time waiting.
 */
async function runOnOlderNats(): Promise<boolean> {
  const older = process.env.OLDER_NATS_SERVER_BIN;
  if (older === undefined) return true;
  const version = execFileSync(older, ["--version"], { encoding: "utf8" }).trim();
  const options = [...testOptions, "--test-concurrency=2"];
  return check(`integration and chaos tests with ${version}`, ["--test", ...options, ...natsSuites], {
    // One round of the random history: the run with the newer server has more.
    env: { NATS_SERVER_BIN: older, CHAOS_ROUNDS: "1" },
  });
}

async function runAll(): Promise<boolean> {
  if (!(await checkSources()) || wasStopped) return false;
  const passed = await Promise.all([runTests(processTests), runUnitTests(), runOnOlderNats()]);
  return passed.every(Boolean);
}

const args = process.argv.slice(2);
process.exitCode = (await (args.length > 0 ? runTests([...args, ...filesOf(args)]) : runAll())) ? 0 : 1;
