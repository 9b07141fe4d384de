import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const stopTimeoutMs = 10_000;

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Called with each line of stdout and stderr. */
  onLine: (line: string) => void;
  /**
   * Whether it gets a process group of its own. Then Ctrl-C in the terminal does not reach it. Default false.
   */
  ownGroup?: boolean;
}

/** A process that was started. Whoever started it has to end it. */
export interface Child {
  readonly name: string;
  /** Undefined if it could not be started. */
  readonly pid: number | undefined;
  /** Resolves to how it ended, in words. Never rejects. */
  readonly exited: Promise<string>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends a SIGTERM, and a SIGKILL if it has not ended after 10 s. Resolves to how it ended. */
  stop(): Promise<string>;
}

/** Starts a program directly, without a shell or npm. */
export function startChild({ name, command, args, env, onLine, ownGroup = false }: ChildOptions): Child {
  const child = spawn(command, args, { env, detached: ownGroup, stdio: ["ignore", "pipe", "pipe"] });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", onLine);

  let running = child.pid !== undefined;
  const exited = once(child, "close").then(
    ([code, signal]) => (signal ? `ended by ${signal}` : `exit code ${code}`),
    (error: Error) => `could not be started: ${error.message}`,
  );
  child.once("exit", () => {
    running = false;
  });

  return {
    name,
    pid: child.pid,
    exited,
    isRunning: () => running,
    signal: (signal) => void (running && child.kill(signal)),
    async stop() {
      if (running) child.kill("SIGTERM");
      // A process that a test has stopped with SIGSTOP gets the SIGTERM only after it goes on.
      if (running) child.kill("SIGCONT");
      const timer = setTimeout(() => running && child.kill("SIGKILL"), stopTimeoutMs);
      const outcome = await exited;
      clearTimeout(timer);
      return outcome;
    },
  };
}
