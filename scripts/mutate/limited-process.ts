import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const memoryLimitMb = 1_500;
const hangsAfterMs = 900_000;
const killAfterMs = 5_000;

interface ProcessOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** The CPU time after which it is killed. */
  cpuSeconds: number | undefined;
}

/**
 * Node in a process group of its own, with limits: a mutation may make it go round for ever, or hang, and the
 * machine may have other things to do.
 */
export class LimitedProcess {
  /** Resolves to its exit code; null if a signal has ended it. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #killing: NodeJS.Timeout | undefined;

  constructor(args: readonly string[], { cwd, env, cpuSeconds }: ProcessOptions) {
    const limit = cpuSeconds === undefined ? "true" : `ulimit -t ${cpuSeconds}`;
    const nodeArgs = [`--max-old-space-size=${memoryLimitMb}`, ...args];
    this.#child = spawn("/bin/sh", ["-c", `${limit}; exec "$0" "$@"`, process.execPath, ...nodeArgs], {
      cwd,
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
      env,
    });
    this.#child.stdout?.resume();
    this.exited = this.#untilExit();
  }

  onLine(task: (line: string) => void): void {
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on("line", task);
  }

  /** Ends it, and whatever it has started. */
  readonly end = (): void => {
    this.#signal("SIGTERM");
    this.#killing ??= setTimeout(() => this.#signal("SIGKILL"), killAfterMs);
  };

  async #untilExit(): Promise<number | null> {
    process.once("exit", this.end);
    const hanging = setTimeout(this.end, hangsAfterMs);
    const [code] = await once(this.#child, "exit");
    process.off("exit", this.end);
    clearTimeout(hanging);
    clearTimeout(this.#killing);
    return code;
  }

  #signal(name: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, name);
    } catch {
      // It has ended by now.
    }
  }
}
