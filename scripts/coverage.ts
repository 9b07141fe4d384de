// npm run coverage: runs the tests, and says how many lines of services/ and libs/ they have run. The
// processes that tests start count too, except those that get a SIGKILL. Editors can show
// .coverage/lcov.info, which has every line. With arguments it runs only some tests:
//   npm run coverage -- test/unit/libs/codec.test.ts
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { summaryOf } from "./coverage/summary.ts";
import { natsFolderEnv } from "./nats-folder.ts";
import { concurrency, filesOf, testOptions } from "./test-options.ts";

const root = resolve(import.meta.dirname, "..");
const report = `${root}/.coverage/lcov.info`;
const coverageOptions = [
  "--experimental-test-coverage",
  "--test-coverage-include=services/**/*.ts",
  "--test-coverage-include=libs/**/*.ts",
  "--test-reporter=dot",
  "--test-reporter-destination=stdout",
  "--test-reporter=lcov",
  `--test-reporter-destination=${report}`,
];

mkdirSync(`${root}/.coverage`, { recursive: true });
const args = process.argv.slice(2);
const child = spawn(
  process.execPath,
  ["--test", ...testOptions, concurrency, ...coverageOptions, ...args, ...filesOf(args)],
  // Of a function that comes from a compile cache V8 does not know exactly which lines have run.
  { stdio: "inherit", env: { ...process.env, ...natsFolderEnv(), NODE_DISABLE_COMPILE_CACHE: "1" } },
);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
  process.on(signal, () => child.kill("SIGTERM"));
const [code] = await once(child, "close");
if (code !== null) console.log(`\n${summaryOf(readFileSync(report, "utf8"), root)}`);
process.exitCode = code ?? 1;
