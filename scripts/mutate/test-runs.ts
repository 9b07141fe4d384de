import { join } from "node:path";
import { LimitedProcess } from "./limited-process.ts";

/** The same crash schedules as in `npm test`. */
const environment = { RECOVERY_SCHEDULES: "3000", CHAOS_SEED: "1" };
/** The unit test that takes longest. It is run when the others have not noticed anything. */
const slowest = "test/unit/worker/crash-schedules.test.ts";
const cpuLimitFactor = 2;
const leastCpuLimitSeconds = 10;

/** Runs the test files of a copy of the repository. */
export class TestRuns {
  readonly #root: string;
  /** How long each file takes without a mutation, and each list of unit tests. */
  readonly #usualMs: Map<string, number>;

  /** `usualMs` is shared by all that run the same tests. */
  constructor(root: string, usualMs: Map<string, number>) {
    this.#root = root;
    this.#usualMs = usualMs;
  }

  /**
   * Runs those of the files without a mutation that were not run so yet. Throws where one fails: it could
   * prove nothing.
   */
  async prepare(files: readonly string[], stage: number): Promise<void> {
    const quick = files.filter((file) => file !== slowest);
    const inOne = files.includes(slowest) ? [quick, [slowest]] : [quick];
    const runs = stage === 1 ? inOne : files.map((file) => [file]);
    for (const run of runs.filter((one) => !this.#usualMs.has(String(one)))) {
      const begunAt = performance.now();
      const failure = stage === 1 ? await this.#failureInOne(run) : await this.firstFailure(run);
      if (failure !== undefined) throw new Error(`${failure} fails without a mutation`);
      this.#usualMs.set(String(run), performance.now() - begunAt);
    }
  }

  /** Runs unit tests, almost all in one process. Resolves to the name of the first that fails. */
  async failureOfAll(files: readonly string[]): Promise<string | undefined> {
    const quick = files.filter((file) => file !== slowest);
    const failure = await this.#failureInOne(quick);
    return failure ?? (files.includes(slowest) ? this.#failureInOne([slowest]) : undefined);
  }

  /** Runs files, the quickest first. Resolves to the first that fails. */
  async firstFailure(files: readonly string[]): Promise<string | undefined> {
    for (const file of files.toSorted((a, b) => this.#msOf(a) - this.#msOf(b))) {
      if ((await this.#failureInOne([file])) !== undefined) return file;
    }
    return undefined;
  }

  /** Runs files in one process, until the first test fails. Resolves to its name. */
  async #failureInOne(files: readonly string[]): Promise<string | undefined> {
    if (files.length === 0) return undefined;
    const args = ["--test", "--test-isolation=none", "--test-reporter=tap", ...files];
    const tests = this.#start(args, String(files));
    let failure: string | undefined;
    tests.onLine((line) => {
      failure ??= /^ *not ok \d+ - (.*)/.exec(line)?.[1];
      if (failure !== undefined) tests.end();
    });
    const code = await tests.exited;
    return failure ?? (code === 0 ? undefined : `an end with ${code}`);
  }

  #msOf(run: string): number {
    return this.#usualMs.get(run) ?? 0;
  }

  #start(args: string[], run: string): LimitedProcess {
    const cpuSeconds = Math.ceil((cpuLimitFactor * this.#msOf(run)) / 1_000);
    return new LimitedProcess([...process.execArgv, "--test-force-exit", ...args], {
      cwd: this.#root,
      env: { ...process.env, ...environment, NODE_COMPILE_CACHE: join(this.#root, ".compile-cache") },
      cpuSeconds: this.#usualMs.has(run) ? Math.max(leastCpuLimitSeconds, cpuSeconds) : undefined,
    });
  }
}
