// Installs what this machine lacks, for scripts/run, which then starts the program that is named as the argument, behind the
// options of Node that there are.
// Plain JavaScript: it has to run on the Node that is there (20 or newer) and before any package is.
// stdout has three lines for scripts/run: the Node and the nats-server to use, and an older nats-server to test with, the last
// two empty where there is none. Everything said goes to stderr.

import { fileURLToPath } from "node:url";
import { say } from "./setup/command.mjs";
import { takeLock } from "./setup/lock.mjs";
import { natsServer } from "./setup/nats-server.mjs";
import { node } from "./setup/node.mjs";
import { olderNatsServer } from "./setup/older-nats-server.mjs";
import { packages } from "./setup/packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const oldestMajor = 20;

const options = process.argv.slice(2);
const program = options.find((option) => !option.startsWith("-")) ?? "";

/** `npm start` and the tests run one. The services are given a NATS to use, and so can `npm start` be. */
function needsNatsServer() {
  if (program === "scripts/start.ts") return !process.env.NATS_URL;
  return (
    program.startsWith("test/") ||
    ["scripts/test.ts", "scripts/coverage.ts", "scripts/mutate.ts"].includes(program)
  );
}

/** All tests run on both; those that are named only on one. */
function needsOlderNatsServer() {
  return program === "scripts/test.ts" && options.length === 1;
}

const nothing = { find: async () => "" };

/** What the steps provide; what is missing is installed first, all of it at the same time, by one setup at a time. */
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
  // Not when the other installations have ended: an exit ends them.
  process.exit(1);
}
