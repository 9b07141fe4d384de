import { join } from "node:path";
import { LimitedProcess } from "./limited-process.ts";

/** Schedules of crashes to run as a unit test. More of them are run by the second stage. */
const fewSchedules = { RECOVERY_SCHEDULES: "500", CHAOS_SEED: "1" };
const manySchedules = { RECOVERY_SCHEDULES: "6000", CHAOS_SEED: "1" };
const cpuLimitFactor = 2;
const leastCpuLimitSeconds = 10;

/** Runs the test files of a copy of the repository. */
export class TestRuns {
  readonly #root: string;
  /** How long each file takes without a mutation, and each list of unit tests. */
  readonly #usualMs = new Map<string, number>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Runs those of the files without a mutation that were not run so yet. Throws where one fails: it could
   * prove nothing.
   */
  async prepare(files: readonly string[], stage: number): Promise<void> {
    const runs = stage === 1 ? [files] : files.map((file) => [file]);
    for (const run of runs.filter((one) => !this.#usualMs.has(String(one)))) {
      const begunAt = performance.now();
      const failure = stage === 1 ? await this.failureOfAll(run) : await this.firstFailure(run);
      if (failure !== undefined) throw new Error(`${failure} fails without a mutation`);
      this.#usualMs.set(String(run), performance.now() - begunAt);
    }
  }

  /** Runs unit tests, all in one process. Resolves to the name of the first that fails. */
  async failureOfAll(files: readonly string[]): Promise<string | undefined> {
    if (files.length === 0) return undefined;
    const args = ["--test", "--test-isolation=none", "--test-reporter=tap", ...files];
    const tests = this.#start(args, String(files), fewSchedules);
    let failure: string | undefined;
    tests.onLine((line) => {
      failure ??= /^ *not ok \d+ - (.*)/.exec(line)?.[1];
      if (failure !== undefined) tests.end();
    });
    const code = await tests.exited;
    return failure ?? (code === 0 ? undefined : `an end with ${code}`);
  }

  /** Runs files, the quickest first. Resolves to the first that fails. */
  async firstFailure(files: readonly string[]): Promise<string | undefined> {
    for (const file of files.toSorted((a, b) => this.#msOf(a) - this.#msOf(b))) {
      const code = await this.#start([file], file, manySchedules).exited;
      if (code !== 0) return file;
    }
    return undefined;
  }

  #msOf(run: string): number {
    return this.#usualMs.get(run) ?? 0;
  }

  #start(args: string[], run: string, environment: Record<string, string>): LimitedProcess {
    const cpuSeconds = Math.ceil((cpuLimitFactor * this.#msOf(run)) / 1_000);
    return new LimitedProcess([...process.execArgv, "--test-force-exit", ...args], {
      cwd: this.#root,
      env: { ...process.env, ...environment, NODE_COMPILE_CACHE: join(this.#root, ".compile-cache") },
      cpuSeconds: this.#usualMs.has(run) ? Math.max(leastCpuLimitSeconds, cpuSeconds) : undefined,
    });
  }
}
