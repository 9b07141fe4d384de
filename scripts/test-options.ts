import { grouped } from "./test-groups.ts";

const filesIn = (suite: string) => `test/${suite}/**/*.test.ts`;

/** The unit tests, as patterns of files: those of the worker, which compute, and the others, of which many wait. */
export const unitTests = ["unit/worker", "unit/!(worker)"].map(filesIn);
/** The files of the tests that start processes. */
export const processTests = grouped(["integration", "end-to-end", "chaos"].map(filesIn));

/**
 * The options of `node --test`. Each file's process is forced to end when its tests have. A test that was cut
 * off leaves something open, which would keep its process and the whole run alive for ever.
 */
export const testOptions = ["--test-timeout=120000", "--test-force-exit"];

/** Tests wait much, so more of them run at once than a small machine has cores; with many more their short times do not hold. */
export const concurrency = "--test-concurrency=4";

/** The files to run in addition to the arguments: none if the arguments name files, else all. */
export function filesOf(args: readonly string[]): string[] {
  return args.some((arg) => !arg.startsWith("-")) ? [] : [...unitTests, ...processTests];
}
