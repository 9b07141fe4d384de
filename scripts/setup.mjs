// Installs what this machine lacks. scripts/run passes its own arguments on (options of Node, the program, its
// arguments), and then starts the program.
//
// It is plain JavaScript, because it has to run on the Node that the machine has (20 or newer), and before
// any package is installed. It prints three lines to stdout for scripts/run: the Node to use, the nats-server
// to use, and an older nats-server to test with. The last two are empty if there is none. All messages go to
// stderr.

import { fileURLToPath } from "node:url";
import { say } from "./setup/command.mjs";
import { takeLock } from "./setup/lock.mjs";
import { natsServer } from "./setup/nats-server.mjs";
import { node } from "./setup/node.mjs";
import { olderNatsServer } from "./setup/older-nats-server.mjs";
import { packages } from "./setup/packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The oldest Node that can run this file. */
const oldestMajor = 20;

const options = process.argv.slice(2);
const program = options.find((option) => !option.startsWith("-")) ?? "";

/** Whether the program starts a nats-server: tests do, and `npm start` unless NATS_URL names a NATS. */
function needsNatsServer() {
  if (program === "scripts/start.ts") return !process.env.NATS_URL;
  return program.startsWith("test/") || ["scripts/test.ts", "scripts/coverage.ts"].includes(program);
}

/** Whether the program also tests with an older nats-server: only if it runs all tests. */
function needsOlderNatsServer() {
  return program === "scripts/test.ts" && options.length === 1;
}

/** A step that has nothing to install. */
const nothing = { find: async () => "" };

/**
 * Resolves to what each step provides. Everything that is missing is installed at the same time, by only one
 * setup at a time.
 */
async function provide(steps) {
  const found = await Promise.all(steps.map((step) => step.find(root)));
  if (!found.includes(undefined)) return found;
  await takeLock(root);
  return Promise.all(steps.map(async (step) => (await step.find(root)) ?? step.install(root)));
}

try {
  if (Number.parseInt(process.versions.node, 10) < oldestMajor) {
    throw new Error(`Node ${oldestMajor} or newer is needed, this is ${process.versions.node}`);
  }
  const [, nodePath, natsPath, olderPath] = await provide([
    packages,
    node,
    needsNatsServer() ? natsServer : nothing,
    needsOlderNatsServer() ? olderNatsServer : nothing,
  ]);
  process.stdout.write(`${nodePath}\n${natsPath}\n${olderPath}\n`);
} catch (error) {
  say(error.message);
  // The other installations are not waited for: the exit ends them.
  process.exit(1);
}
