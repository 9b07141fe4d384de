import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Most tests wait for most of their time. */
const atOnce = 2;
/** Enough schedules of crashes to find what a mutation breaks, in a few seconds. */
const environment = { RECOVERY_SCHEDULES: "4000", CHAOS_SEED: "1" };
/**
 * A mutation may make a process go round for ever, or hang. Of the first the CPU time is limited, as the
 * machine may have other things to do.
 */
const cpuLimitFactor = 5;
const leastCpuLimitSeconds = 20;
const hangsAfterMs = 900_000;
const killAfterMs = 5_000;
const memoryLimitMb = 1_500;

/** Runs the test files of a copy of the repository. */
export class TestRuns {
  readonly #root: string;
  /** How long each file takes without a mutation. */
  readonly #usualMs = new Map<string, number>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Runs those of the files without a mutation that were not run so yet. Throws where one fails: it could
   * prove nothing.
   */
  async prepare(files: readonly string[]): Promise<void> {
    for (const file of files.filter((one) => !this.#usualMs.has(one))) {
      const begunAt = performance.now();
      if (!(await this.#passes(file))) throw new Error(`${file} fails without a mutation`);
      this.#usualMs.set(file, performance.now() - begunAt);
    }
  }

  /** The first of the files that fails, the quickest first; undefined where all pass. */
  async firstFailure(files: readonly string[]): Promise<string | undefined> {
    const left = files.toSorted((a, b) => this.#msOf(a) - this.#msOf(b)).values();
    const ending = new AbortController();
    let failed: string | undefined;
    const run = async () => {
      for (const file of left) {
        if (failed !== undefined) return;
        const passes = await this.#passes(file, ending.signal);
        if (passes || ending.signal.aborted) continue;
        failed = file;
        ending.abort();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, run));
    return failed;
  }

  #msOf(file: string): number {
    return this.#usualMs.get(file) ?? 0;
  }

  /** Runs a test file in a process group of its own, for a limited time. */
  async #passes(file: string, ending?: AbortSignal): Promise<boolean> {
    const usualSeconds = (this.#usualMs.get(file) ?? 0) / 1_000;
    const cpuSeconds = Math.ceil(Math.max(leastCpuLimitSeconds, cpuLimitFactor * usualSeconds));
    const limit = this.#usualMs.has(file) ? `ulimit -t ${cpuSeconds}` : "true";
    const nodeArgs = [
      ...process.execArgv,
      `--max-old-space-size=${memoryLimitMb}`,
      "--test-force-exit",
      file,
    ];
    const child = spawn("/bin/sh", ["-c", `${limit}; exec "$0" "$@"`, process.execPath, ...nodeArgs], {
      cwd: this.#root,
      detached: true,
      stdio: "ignore",
      env: { ...process.env, ...environment, NODE_COMPILE_CACHE: join(this.#root, ".compile-cache") },
    });
    const signal = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It has ended by now.
      }
    };
    const timers = new Set<NodeJS.Timeout>();
    const end = () => {
      signal("SIGTERM");
      timers.add(setTimeout(signal, killAfterMs, "SIGKILL"));
    };
    timers.add(setTimeout(end, hangsAfterMs));
    ending?.addEventListener("abort", end);
    process.once("exit", end);
    const [code] = await once(child, "exit");
    process.off("exit", end);
    ending?.removeEventListener("abort", end);
    for (const timer of timers) clearTimeout(timer);
    return code === 0;
  }
}
