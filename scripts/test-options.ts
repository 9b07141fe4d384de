/** The folders of tests that `npm test` runs, as patterns of files. */
export const suites = ["unit", "integration", "end-to-end", "chaos"].map(
  (suite) => `test/${suite}/**/*.test.ts`,
);

/**
 * What `node --test` is told. It is forced to end: a test that was cut off would leave what keeps its process alive, and so the
 * whole run, for ever.
 */
export const testOptions = ["--test-timeout=120000", "--test-force-exit"];

/** Most tests wait for most of their time, so more of them run at once than a small machine has cores. */
export const concurrency = "--test-concurrency=5";

/** The files that these arguments name, or all. */
export function filesOf(args: readonly string[]): string[] {
  return args.some((arg) => !arg.startsWith("-")) ? [] : suites;
}
